import { readFileSync } from 'node:fs'
import type { Config as AdmissionConfig } from 'vpa-admission-controller/config.ts'
import { webhookConfiguration } from 'vpa-admission-controller/register.ts'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { CHART, type Helm, type Manifest, findHelm, manifestsIn } from './helm.ts'
import { type Deployment, configOf, containerOf, deploymentOf, deploymentsIn, nameOf, named, ofKind } from './manifest.ts'
import { rightsOf } from './rights.ts'

const found = findHelm()

test.skipIf(found === undefined && process.env['CI'] === undefined)('there is a Helm to test with', () => {
  expect(found).toBeDefined()
})

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const PACKAGE = JSON.parse(read('package.json')) as { version: string }
const withoutHelm = found === undefined
const helm = found as Helm

const admissionOf = (manifests: readonly Manifest[]) => deploymentOf(manifests, 'admission-controller')

const CASES: readonly (readonly [string, object])[] = [
  ['by default', {}],
  ['with cert-manager and an issuer of its own', { admissionController: { certManager: { enabled: true, createSelfSignedIssuer: { enabled: true } } } }],
  ['with cert-manager and an issuer that is there', { admissionController: { certManager: { enabled: true, issuerRef: { name: 'company' } } } }],
  ['with a certificate from its values', { admissionController: { tls: { create: true, caCert: 'CA', cert: 'CERT', key: 'KEY' } } }],
  ['where the program registers itself', { admissionController: { registerWebhook: true } }],
  ['where others make the certificate and register the webhook', { admissionController: { certGen: { enabled: false } } }],
  ['with everything to watch it by', { monitoring: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true, interval: '30s' }, prometheusRule: { enabled: true }, dashboard: { enabled: true } }, networkPolicy: { enabled: true } }],
  ['for a single namespace', { vpaObjectNamespace: 'shop' }],
  ['as hack/vpa-up.sh installs', parse(read('test/chart/vpa-up.yaml')) as object],
]

describe.skipIf(withoutHelm)('helm', () => {
  test('lint finds nothing', () => {
    expect(helm.run(['lint', '--strict', CHART])).toContain('1 chart(s) linted, 0 chart(s) failed')
  })

  test('installs the version of the programs', () => {
    const { version, appVersion } = parse(read(`${CHART}/Chart.yaml`)) as { version: string; appVersion: string }
    expect({ version, appVersion }).toEqual({ version: PACKAGE.version, appVersion: PACKAGE.version })
    expect(containerOf(deploymentsIn(helm.render())[0]!).image).toBe(`localhost/vertical-pod-autoscaler:${PACKAGE.version}`)
  })

  test('installs the CRDs of manifests/, upgrades them, and keeps them at the end', () => {
    const crds = helm.render().filter(ofKind('CustomResourceDefinition'))
    expect(crds.map(({ spec }) => spec)).toEqual(manifestsIn(read('manifests/crd.yaml')).map(({ spec }) => spec))
    expect(crds.map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'])).toEqual(['keep', 'keep'])
    expect(helm.render({ crds: { enabled: false } }).filter(ofKind('CustomResourceDefinition'))).toEqual([])
  })
})

describe.skipIf(withoutHelm).for(CASES)('rendered %s', ([, values]) => {
  const manifests = withoutHelm ? [] : helm.render(values)

  test('every program understands its flags', () => {
    const deployments = deploymentsIn(manifests)
    expect(deployments).toHaveLength(3)
    for (const deployment of deployments) expect(configOf(containerOf(deployment))).toBeTypeOf('object')
  })

  test('every program is asked whether it lives and, apart from that, whether it is ready', () => {
    for (const deployment of deploymentsIn(manifests)) {
      const { livenessProbe, readinessProbe } = containerOf(deployment)
      expect({ livenessProbe, readinessProbe }).toMatchObject({ livenessProbe: { httpGet: { path: '/health-check' } }, readinessProbe: { httpGet: { path: '/readyz' } } })
    }
  })

  test('every pod is what pod security "restricted" asks for', () => {
    const pods = [...deploymentsIn(manifests).map(({ spec }) => spec.template.spec), ...manifests.filter(ofKind('Pod')).map(({ spec }) => spec as Deployment['spec']['template']['spec'])]
    expect(pods).toHaveLength(4)
    for (const { securityContext, containers, hostNetwork } of pods) {
      expect(hostNetwork).toBeUndefined()
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(containers[0]['securityContext']).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    }
  })

  test('every selector finds the pods that are meant', () => {
    const selectors = (of: Deployment) => {
      const ofName = manifests.filter(({ metadata, kind }) => metadata.name === of.metadata.name && ['PodDisruptionBudget', 'NetworkPolicy', 'PodMonitor'].includes(kind))
      const others = ofName.map(({ spec }) => Object.values(spec as object).find((value: { matchLabels?: object }) => value.matchLabels !== undefined)?.matchLabels as object)
      return [of.spec.selector.matchLabels, ...others]
    }
    for (const deployment of deploymentsIn(manifests)) {
      for (const selector of selectors(deployment)) expect(deployment.spec.template.metadata.labels).toMatchObject(selector)
    }
    const admission = admissionOf(manifests)
    const service = named(manifests, 'Service', 'vpa-webhook')?.['spec'] as { selector: object }
    expect(admission.spec.template.metadata.labels).toMatchObject(service.selector)
  })

  test('no object is there twice, and each says that it is Helm’s', () => {
    expect(new Set(manifests.map(nameOf)).size).toBe(manifests.length)
    const ours = manifests.filter(({ metadata: { labels } }) => labels?.['app.kubernetes.io/managed-by'] === 'Helm' && labels['app.kubernetes.io/instance'] === 'vpa')
    expect(ours.map(nameOf)).toEqual(manifests.map(nameOf))
  })
})

const configurationOf = (values: object) => named(helm.render(values), 'MutatingWebhookConfiguration', 'vpa-webhook-config')
const webhookOf = (values: object) => (configurationOf(values)?.['webhooks'] as Record<string, unknown>[] | undefined)?.[0]

describe.skipIf(withoutHelm)('the release’s own webhook configuration', () => {
  test.for(['Ignore', 'Fail'])('is the one that the program would write with failure policy %s', (failurePolicy) => {
    const config = configOf({ name: 'admission-controller', args: [`--webhook-failure-policy-fail=${failurePolicy === 'Fail'}`] }) as AdmissionConfig
    const written = JSON.parse(JSON.stringify(webhookConfiguration(config, 'kube-system', ''), (key, value: unknown) => (key === 'caBundle' ? undefined : value))) as { webhooks: object[] }
    expect(webhookOf({ admissionController: { mutatingWebhookConfiguration: { failurePolicy } } })).toEqual(written.webhooks[0])
  })

  test('is told whom to trust by the program, by cert-manager, or by the values', () => {
    expect(configOf(containerOf(admissionOf(helm.render())))).toMatchObject({ injectCaBundle: true, registerWebhook: false })
    const certManager = configurationOf(CASES[1]![1])
    expect(certManager?.metadata.annotations).toEqual({ 'cert-manager.io/inject-ca-from': 'kube-system/vpa-vertical-pod-autoscaler-webhook' })
    expect(webhookOf(CASES[3]![1])?.['clientConfig']).toMatchObject({ caBundle: 'Q0E=' })
  })

  test('is not there where the program registers itself', () => {
    expect(configurationOf({ admissionController: { registerWebhook: true } })).toBeUndefined()
  })

  test('asks about the namespaces and objects that the values name, and the only one to look at', () => {
    const team = { key: 'team', operator: 'Exists' }
    const values = { vpaObjectNamespace: 'shop', admissionController: { mutatingWebhookConfiguration: { namespaceSelector: { matchExpressions: [team] }, objectSelector: { matchLabels: { app: 'web' } } } } }
    expect(webhookOf(values)).toMatchObject({
      namespaceSelector: { matchExpressions: [team, { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shop'] }] },
      objectSelector: { matchLabels: { app: 'web' } },
    })
  })

  test('leaves out the pods that would answer it by a label that they have', () => {
    const labels = deploymentsIn(helm.render()).map(({ spec }) => spec.template.metadata.labels['app'])
    expect(labels.toSorted()).toEqual(['vpa-admission-controller', 'vpa-recommender', 'vpa-updater'])
  })
})

describe.skipIf(withoutHelm)('for a single namespace', () => {
  test('there is no ClusterRole but the one for the webhook configuration', () => {
    const manifests = helm.render({ vpaObjectNamespace: 'shop' })
    const rights = rightsOf(manifests)
    const everywhere = Object.values(rights).flatMap((lines) => lines.filter((line) => !line.includes(' in ')))
    expect(everywhere).toEqual(['mutatingwebhookconfigurations.admissionregistration.k8s.io/vpa-webhook-config get', 'mutatingwebhookconfigurations.admissionregistration.k8s.io/vpa-webhook-config patch'])
    expect(rights['vpa-vertical-pod-autoscaler-updater']).toContain('pods/eviction create in shop')
    for (const deployment of deploymentsIn(manifests)) expect(configOf(containerOf(deployment))).toMatchObject({ vpaObjectNamespace: 'shop' })
  })
})

const MONITORING = { podMonitor: { enabled: true }, prometheusRule: { enabled: true, disabled: ['VpaWebhookSlow'], runbookBaseUrl: 'https://example.com/' }, dashboard: { enabled: true } }
const watched = (more: object = {}) => helm.render({ monitoring: MONITORING, ...more })

describe.skipIf(withoutHelm)('what it is watched by', () => {
  interface Rule {
    readonly alert: string
    readonly annotations: { readonly runbook_url: string }
  }
  const rulesIn = (manifests: readonly Manifest[]) => manifests.filter(ofKind('PrometheusRule')).flatMap(({ spec }) => (spec as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules))
  const all = (parse(read('manifests/monitoring/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)

  test('are the rules of manifests/monitoring, but for those that the values name', () => {
    const expected = all.filter(({ alert }) => alert !== 'VpaWebhookSlow').map((rule) => ({ ...rule, annotations: { ...rule.annotations, runbook_url: `https://example.com/${rule.annotations.runbook_url}` } }))
    expect(rulesIn(watched())).toEqual(expected)
  })

  test('are no rules for a program that is not installed', () => {
    const names = rulesIn(watched({ updater: { enabled: false } })).map(({ alert }) => alert)
    expect(names).toContain('VpaNoLeader')
    expect(names).not.toContain('VpaUpdaterNotWorking')
  })

  test('is the dashboard of manifests/monitoring, and a monitor for each program', () => {
    const manifests = watched()
    const boards = manifests.filter(ofKind('ConfigMap')).map(({ data }) => JSON.parse((data as Record<string, string>)['vertical-pod-autoscaler.json'] ?? '') as object)
    expect(boards).toEqual([JSON.parse(read('manifests/monitoring/dashboard.json'))])
    expect(manifests.filter(ofKind('PodMonitor'))).toHaveLength(3)
  })
})

describe.skipIf(withoutHelm)('values', () => {
  test('of the Go implementation’s chart are understood, all of them', () => {
    expect(deploymentsIn(helm.render(parse(read('test/chart/upstream-values.yaml')) as object))).toHaveLength(3)
  })

  test.for([
    ['a key that is not known', { recommender: { replica: 2 } }, /recommender.*replica/s],
    ['a wrong type', { recommender: { replicas: 'two' } }, /recommender\/replicas.*got string/s],
    ['an image of the Go implementation', { updater: { image: { repository: 'registry.k8s.io/autoscaling/vpa-updater' } } }, /updater\.image\.repository is registry\.k8s\.io\/autoscaling\/vpa-updater, an image of the Go implementation\. Expected one that hack\/image\.sh has built/],
    ['two sources of the certificate', { admissionController: { registerWebhook: true, certManager: { enabled: true, issuerRef: { name: 'a' } } } }, /expected one source of the webhook's certificate under admissionController, found certManager\.enabled and registerWebhook/],
    ['cert-manager without an issuer', { admissionController: { certManager: { enabled: true } } }, /needs an issuer: set certManager\.issuerRef\.name/],
    ['a certificate without its key', { admissionController: { tls: { create: true, caCert: 'CA', cert: 'CERT' } } }, /admissionController\.tls\.key is needed with tls\.create/],
    ['a flag without hyphens', { recommender: { extraArgs: ['v=5'] } }, /extraArgs.*does not match pattern/s],
  ] as const)('are refused, and why: %s', ([, values, message]) => {
    expect(() => helm.render(values)).toThrow(message)
  })

  test('of one program: what is set there wins over what is set for all', () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const images = deploymentsIn(helm.render({ image: { registry: 'example.com', tag: 'v1' }, updater: { image: { tag: 'v2' } }, admissionController: { image: { repository: 'mine/vpa', digest } } })).map((deployment) => containerOf(deployment).image)
    expect(images).toEqual([`example.com/mine/vpa@${digest}`, 'example.com/vertical-pod-autoscaler:v1', 'example.com/vertical-pod-autoscaler:v2'])
  })

  test('replicas null leaves the number to an autoscaler; others stand by, as with several', () => {
    const deployment = deploymentOf(helm.render({ updater: { replicas: null } }), 'updater')
    expect(deployment.spec).not.toHaveProperty('replicas')
    expect(configOf(containerOf(deployment))).toMatchObject({ leaderElect: true, leaderElectResourceNamespace: 'kube-system', leaderElectResourceName: 'vpa-updater-lease' })
  })

  test('a single replica does without a disruption budget, which would keep its node from being drained', () => {
    expect(helm.render({ updater: { replicas: 1 } }).filter(ofKind('PodDisruptionBudget')).map(nameOf)).toEqual(['PodDisruptionBudget kube-system/vpa-vertical-pod-autoscaler-admission-controller', 'PodDisruptionBudget kube-system/vpa-vertical-pod-autoscaler-recommender'])
  })

  test('extra objects are templates, as maps and as text', () => {
    const manifests = helm.render({ extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-a' } }, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-b\n'] })
    expect(manifests.filter(ofKind('ConfigMap')).map(({ metadata }) => metadata.name)).toEqual(['vpa-a', 'vpa-b'])
  })

  test('a volume tls-certs as the Go implementation’s chart has it is left out where the program makes the certificate; others are mounted', () => {
    const volumes = [{ name: 'tls-certs', secret: { secretName: 'vpa-tls-certs' } }, { name: 'mine', emptyDir: {} }]
    const volumeMounts = [{ name: 'tls-certs', mountPath: '/etc/tls-certs' }, { name: 'mine', mountPath: '/mine' }]
    const deployment = admissionOf(helm.render({ admissionController: { volumes, volumeMounts } }))
    expect([deployment.spec.template.spec['volumes'], containerOf(deployment)['volumeMounts']]).toEqual([[{ name: 'mine', emptyDir: {} }], [{ name: 'mine', mountPath: '/mine' }]])
  })
})
