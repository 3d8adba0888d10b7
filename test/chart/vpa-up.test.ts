import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { PROGRAM_NAMES } from '../../hack/program-names.ts'
import { type Helm, type Manifest, findHelm, manifestsIn } from './helm.ts'
import { type Deployment, configOf, containerOf, deploymentsIn, nameOf } from './manifest.ts'
import { rightsOf } from './rights.ts'

const found = findHelm()
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** Of no meaning for what runs: the chart's labels, and what it says although it is the default. */
const ASIDE = new Set(['labels', 'matchLabels', 'labelSelector', 'revisionHistoryLimit', 'protocol'])

/** By name, with flags as the program understands them. */
function comparable(manifests: readonly Manifest[]): Record<string, unknown> {
  return Object.fromEntries(manifests.filter(({ kind }) => !kind.includes('Role')).map((manifest) => [nameOf(manifest), withoutLabels(manifest)]))
}

function withoutLabels(manifest: Manifest): unknown {
  const container = manifest.kind === 'Deployment' ? containerOf(manifest as Deployment) : undefined
  const isService = manifest.kind === 'Service'
  return JSON.parse(
    JSON.stringify(manifest, (key, value: unknown) => {
      // Certificate files can come and go only where the chart mounts a Secret of the user's, which there need not be.
      if (container !== undefined && value === container.args) return { ...configOf(container), reloadCert: undefined }
      if (key === 'volumes' || key === 'volumeMounts') return undefined
      return ASIDE.has(key) || (isService && key === 'selector') ? undefined : value
    }),
  )
}

/** The chart grants the lease of a leader election only to several replicas; the scripts, where one may add the flag by hand, always do. */
function withoutElection({ 'vpa-admission-controller': admission, ...others }: Record<string, readonly string[]>): Record<string, readonly string[] | undefined> {
  const kept = Object.entries(others).map(([account, lines]) => [account, lines.filter((line) => !/^leases\S* create|vpa-(recommender|updater)/.test(line))] as const)
  return { ...Object.fromEntries(kept), 'vpa-admission-controller': admission }
}

describe.skipIf(found === undefined)('hack/vpa-up.sh and the chart', () => {
  const values = parse(read('test/chart/vpa-up.yaml')) as object
  const render = (...args: string[]) => (found as Helm).render(values, '--skip-tests', ...args).filter(({ kind }) => kind !== 'CustomResourceDefinition')
  const scripts = ['rbac', ...PROGRAM_NAMES].flatMap((name) => manifestsIn(read(`manifests/${name}.yaml`)))
  const chart = found === undefined ? [] : render()

  test('install the same objects', () => {
    expect(Object.keys(comparable(scripts))).toHaveLength(11)
    expect(comparable(chart)).toEqual(comparable(scripts))
  })

  test.for([
    ['hack/vpa-up.sh', scripts, ['admission-controller']],
    ['the chart with the same values', chart, ['admission-controller']],
    ['the chart by default', found?.render() ?? [], ['admission-controller', 'recommender', 'updater']],
  ] as const)('ask for CPU and memory, within limits, and several replicas for zones and nodes of their own: %s', ([, manifests, several]) => {
    const deployments = deploymentsIn(manifests)
    const amounts = { cpu: expect.stringMatching(/^\d+m$/) as string, memory: expect.stringMatching(/^\d+Mi$/) as string }
    expect(deployments.map((deployment) => containerOf(deployment)['resources'])).toEqual(PROGRAM_NAMES.map(() => ({ requests: amounts, limits: amounts })))

    const replicated = deployments.filter(({ spec }) => (spec.replicas ?? 1) > 1)
    expect(replicated.map((deployment) => containerOf(deployment).name).toSorted()).toEqual(several)
    for (const { spec: { template: { metadata: { labels }, spec } } } of replicated) {
      // A constraint whose selector misses the pods spreads nothing.
      const selector = { matchLabels: { app: labels['app'] } }
      expect(spec['topologySpreadConstraints']).toEqual([{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: selector }])
      expect(spec['affinity']).toMatchObject({ podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: { topologyKey: 'kubernetes.io/hostname' } }] } })
    }
  })

  test('give each program the same rights', () => {
    expect(Object.keys(rightsOf(scripts))).toEqual(expect.arrayContaining(['vpa-recommender', 'vpa-updater', 'vpa-admission-controller']))
    expect(withoutElection(rightsOf(chart))).toEqual(withoutElection(rightsOf(scripts)))
  })

  test.for([
    ['--use-external-metrics', true],
    ['--use_external_metrics=true', true],
    ['--use-external-metrics=false', false],
    ['--external-metrics-cpu-metric=cpu', false],
  ] as const)('with flag %s, the chart grants what manifests/external-metrics.yaml does: %s', ([flag, isGranted]) => {
    const { 'vpa-recommender': several = [], ...others } = rightsOf(render(`--set=recommender.extraArgs={${flag}}`))
    const { 'vpa-recommender': expected = [] } = rightsOf([...chart, ...(isGranted ? manifestsIn(read('manifests/external-metrics.yaml')) : [])])
    expect({ 'vpa-recommender': several, ...others }).toEqual({ ...rightsOf(chart), 'vpa-recommender': expected })
  })

  test('with several replicas, the chart adds the lease and nothing else', () => {
    const single = rightsOf(chart)
    const several = rightsOf(render('--set=recommender.replicas=2,updater.replicas=2'))
    const added = Object.entries(several).flatMap(([account, lines]) => lines.filter((line) => !single[account]?.includes(line)).map((line) => `${account}: ${line}`))
    expect(added).toEqual([
      'vpa-recommender: leases.coordination.k8s.io create in kube-system',
      'vpa-recommender: leases.coordination.k8s.io/vpa-recommender-lease get in kube-system',
      'vpa-recommender: leases.coordination.k8s.io/vpa-recommender-lease update in kube-system',
      'vpa-updater: leases.coordination.k8s.io create in kube-system',
      'vpa-updater: leases.coordination.k8s.io/vpa-updater-lease get in kube-system',
      'vpa-updater: leases.coordination.k8s.io/vpa-updater-lease update in kube-system',
    ])
  })
})
