import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { discoveryCases } from './discovery-cases.ts'
import { podCases } from './pod-cases.ts'
import { storageCases } from './storage-cases.ts'
import { type Target, eventually, openTarget } from './target.ts'
import { watchCases } from './watch-cases.ts'
import { webhookCases } from './webhook-cases.ts'

/** What one case gets: the server and a namespace of its own. */
export interface Stage {
  readonly api: Target
  readonly namespace: string
  /** `/api/v1/namespaces/NAMESPACE`, and below `/apis/GROUP/VERSION` for a group. */
  readonly path: (resource: string, groupVersion?: string) => string
}

/** By name: a sentence that is true of every Kubernetes API server. */
export type Cases = Readonly<Record<string, (stage: Stage) => Promise<void>>>

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const GROUPS: Readonly<Record<string, Cases>> = { objects: storageCases, watches: watchCases, pods: podCases, webhooks: webhookCases, discovery: discoveryCases }

/* oxlint-disable vitest/valid-title, vitest/expect-expect -- the titles are data, and the cases assert */
/** Runs all cases against one server. What holds for the sandbox must hold for a real API server, and the other way round. */
export function describeContract(name: string, kubeconfig: () => Promise<string>): void {
  describe(name, () => {
    let api: Target
    let installed: readonly string[] = []
    const run = Date.now().toString(36)
    let count = 0

    beforeAll(async () => {
      api = openTarget(await kubeconfig())
      installed = await installDefinitions(api)
    })
    afterAll(async () => {
      // Other tests on the same server begin without them.
      for (const name of installed) await api.delete(`${DEFINITIONS}/${name}`)
      for (const name of installed) await eventually(() => api.get(`${DEFINITIONS}/${name}`), ({ code }) => code === 404)
      api.close()
    })

    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(group, () => {
        test.for(Object.entries(cases))('%s', { timeout: 90_000 }, async ([, runCase]) => {
          count += 1
          const namespace = `contract-${run}-${count}`
          await createNamespace(api, namespace)
          const path = (resource: string, groupVersion?: string) => `${groupVersion ? `/apis/${groupVersion}` : '/api/v1'}/namespaces/${namespace}/${resource}`
          await runCase({ api, namespace, path })
          await api.delete(`/api/v1/namespaces/${namespace}`)
        })
      })
    }
  })
}

/** A namespace can hold pods once it has its service account. */
async function createNamespace(api: Target, name: string): Promise<void> {
  await api.post('/api/v1/namespaces', { metadata: { name } })
  await eventually(() => api.get(`/api/v1/namespaces/${name}/serviceaccounts/default`), ({ code }) => code === 200)
}

/** @returns the names of those that were not there */
async function installDefinitions(api: Target): Promise<readonly string[]> {
  const installed: string[] = []
  const text = readFileSync(new URL('../../manifests/crd.yaml', import.meta.url), 'utf8')
  for (const document of parseAllDocuments(text)) {
    const { code, body } = await api.post(DEFINITIONS, document.toJS() as object)
    if (code === 201) installed.push(body.metadata.name)
  }
  for (const resource of ['verticalpodautoscalers', 'verticalpodautoscalercheckpoints']) {
    await eventually(() => api.get(`/apis/autoscaling.k8s.io/v1/${resource}`), ({ code }) => code === 200)
  }
  return installed
}
