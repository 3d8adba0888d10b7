import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, test, vi } from 'vitest'
import { kubectlEnvironment } from './control-plane.ts'

const run = promisify(execFile)
const env = { ...process.env, ...kubectlEnvironment }

async function bash(command: string): Promise<string> {
  const { stdout, stderr } = await run('bash', ['-c', command], { env, timeout: 200_000 })
  return stdout + stderr
}

const KINDS = 'deployments,services,serviceaccounts,roles,rolebindings,leases,secrets,clusterroles,clusterrolebindings,customresourcedefinitions,mutatingwebhookconfigurations,poddisruptionbudgets'
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

  await bash('hack/vpa-down.sh')
  expect(await ours()).toEqual([])
})

test('kubectl explains every field of the spec', async () => {
  await bash('hack/vpa-up.sh --no-wait')
  // The API server publishes the documentation of a new kind a moment after it serves the kind.
  const explained = await vi.waitFor(() => bash('kubectl explain vpa.spec --recursive && kubectl explain vpa.spec.resourcePolicy.containerPolicies'), { timeout: 30_000, interval: 500 })
  expect(explained).toContain('minAllowed')
  expect(explained).not.toContain('<no description>')
  await bash('hack/vpa-down.sh')
})
