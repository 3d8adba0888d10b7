import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { kubectlEnvironment } from './control-plane.ts'

const run = promisify(execFile)
const env = { ...process.env, ...kubectlEnvironment }

async function bash(command: string): Promise<string> {
  const { stdout, stderr } = await run('bash', ['-c', command], { env, timeout: 200_000 })
  return stdout + stderr
}

const KINDS = 'deployments,services,serviceaccounts,roles,rolebindings,leases,secrets,clusterroles,clusterrolebindings,customresourcedefinitions,mutatingwebhookconfigurations,poddisruptionbudgets,networkpolicies'
const OURS = /vpa|verticalpodautoscaler|evictioner|metrics-reader/

/** Everything of ours that can be in a cluster, by name. */
async function ours(): Promise<string[]> {
  const names = await bash(`kubectl get ${KINDS} -n kube-system -o name`)
  return names.split('\n').filter((name) => OURS.test(name))
}

/** Names and generations: what a user has written, not what controllers report about it. */
async function generations(): Promise<string[]> {
  const columns = 'KIND:.kind,NAME:.metadata.name,GENERATION:.metadata.generation,UID:.metadata.uid'
  const lines = await bash(`kubectl get ${KINDS} -n kube-system --no-headers -o custom-columns=${columns}`)
  return lines.split('\n').filter((line) => OURS.test(line)).toSorted()
}

beforeAll(async () => {
  await bash('hack/vpa-down.sh')
})

test('vpa-up.sh installs everything and waits for the rollout; the second run changes nothing; vpa-down.sh removes all', async () => {
  expect(await ours()).toEqual([])

  const first = await bash('hack/vpa-up.sh')
  expect(first).toContain('The Vertical Pod Autoscaler is installed in namespace kube-system')
  const deployments = await bash('kubectl get deployments -n kube-system -o jsonpath={.items[*].metadata.name}')
  expect(deployments.split(' ')).toEqual(expect.arrayContaining(['vpa-recommender', 'vpa-updater', 'vpa-admission-controller']))

  const versions = await generations()
  expect(versions.length).toBeGreaterThan(20)
  await bash('hack/vpa-up.sh')
  expect(await generations()).toEqual(versions)

  await bash('kubectl apply -f manifests/external-metrics.yaml')
  await bash('hack/vpa-down.sh')
  expect(await ours()).toEqual([])
})

test('a namespace that enforces the Pod Security Standard "restricted" admits all of our pods', async () => {
  await bash('kubectl create namespace vpa-restricted; kubectl label namespace vpa-restricted pod-security.kubernetes.io/enforce=restricted')
  await bash('NAMESPACE=vpa-restricted hack/vpa-up.sh')
  const refused = await bash('kubectl get events -n vpa-restricted --field-selector reason=FailedCreate -o jsonpath={.items[*].message}')
  expect(refused).toBe('')
  await expect(bash('kubectl run -n vpa-restricted lax --image=none')).rejects.toThrow('violates PodSecurity "restricted')
  await bash('NAMESPACE=vpa-restricted hack/vpa-down.sh; kubectl delete namespace vpa-restricted --wait=false')
})

test('kubectl explains every field of the spec', async () => {
  await bash('hack/vpa-up.sh --no-wait')
  // The API server publishes the documentation of a new kind a moment after it serves the kind.
  const explained = await vi.waitFor(() => bash('kubectl explain vpa.spec --recursive && kubectl explain vpa.spec.resourcePolicy.containerPolicies'), { timeout: 30_000, interval: 500 })
  expect(explained).toContain('minAllowed')
  expect(explained).not.toContain('<no description>')
  await bash('hack/vpa-down.sh')
})

describe('nonsense is refused by the API server itself, with no webhook', () => {
  beforeAll(() => bash('hack/vpa-down.sh; hack/vpa-up.sh --no-wait; kubectl delete mutatingwebhookconfiguration vpa-webhook-config --ignore-not-found'))
  afterAll(() => bash('hack/vpa-down.sh'))

  test.for([
    ['minReplicas 0', { updatePolicy: { updateMode: 'Recreate', minReplicas: 0 } }, /minReplicas.*greater than or equal to 1/],
    ['a policy without mode', { updatePolicy: { minReplicas: 1 } }, /updateMode is required if UpdatePolicy is used/],
    ['an unknown mode', { updatePolicy: { updateMode: 'Sometimes' } }, /Unsupported value: "Sometimes"/],
    ['two recommenders', { recommenders: [{ name: 'a' }, { name: 'b' }] }, /must have at most 1 item/],
    ['a container without name', policy({ containerName: '' }), /containerName.*at least 1 char/],
    ['a maximum below the minimum', policy({ minAllowed: { cpu: '2' }, maxAllowed: { cpu: '1500m' } }), /maxAllowed is lower than minAllowed/],
    ['a number below a quantity', policy({ minAllowed: { cpu: '1500m' }, maxAllowed: { cpu: 1 } }), /maxAllowed is lower than minAllowed/],
    ['limits to control in a container that is off', policy({ mode: 'Off', controlledValues: 'RequestsAndLimits' }), /controlledValues shouldn't be specified if container scaling mode is off/],
    ['a resource that cannot be controlled', policy({ controlledResources: ['gpu'] }), /controlledResources has an unsupported value/],
    ['a ratio below one', policy({ oomBumpUpRatio: '0.9' }), /oomBumpUpRatio must be greater than or equal to 1.0/],
    ['a boost without factor', { startupBoost: { cpu: { type: 'Factor' } } }, /factor is required when type is Factor/],
    ['a boost that shrinks', { startupBoost: { cpu: { type: 'Factor', factor: 0 } } }, /factor.*greater than or equal to 1/],
  ] as const)('%s', async ([, spec, message]) => {
    await expect(dryRun(spec)).rejects.toThrow(message)
  })

  test('what makes sense is accepted, numbers and quantities alike', async () => {
    const spec = { updatePolicy: { updateMode: 'Recreate', minReplicas: 1 }, ...policy({ minAllowed: { cpu: 1, memory: '1Gi' }, maxAllowed: { cpu: '1000m', memory: 2147483648 } }) }
    await expect(dryRun(spec)).resolves.toContain('created (server dry run)')
  })
})

function policy(fields: object) {
  return { resourcePolicy: { containerPolicies: [{ containerName: 'proxy', ...fields }] } }
}

function dryRun(spec: object): Promise<string> {
  const metadata = { name: 'any', namespace: 'default' }
  const manifest = { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata, spec: { targetRef: { kind: 'Deployment', name: 'web' }, ...spec } }
  return bash(`kubectl apply --dry-run=server -f - <<'JSON'\n${JSON.stringify(manifest)}\nJSON`)
}
