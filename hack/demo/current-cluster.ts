import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROGRAM_NAMES, type ProgramName } from '../program-names.ts'
import { Api } from './api.ts'
import { command } from './command.ts'
import type { DemoCluster } from './demo-cluster.ts'

const MANIFESTS = new URL('../../manifests/', import.meta.url)

/**
 * The cluster of the user's kubectl context. Its nodes must be KWOK's, which report the usage that the story needs,
 * and its API server must be on this machine, because it calls the webhook on 127.0.0.1.
 */
export async function openCurrentCluster(): Promise<DemoCluster> {
  const config = await command('kubectl', ['config', 'view', '--raw', '--minify', '--flatten'])
  if (config === undefined) throw new Error('kubectl was not found; --cluster current uses its context')
  const directory = await mkdtemp(join(tmpdir(), 'vpa-demo-'))
  const removeDirectory = () => rm(directory, { recursive: true, force: true })
  try {
    const kubeconfig = join(directory, 'kubeconfig')
    await writeFile(kubeconfig, config, { mode: 0o600 })
    const api = await Api.open(kubeconfig)
    await refuseUnsuitable(api)
    const cluster = await openClusterOf(api, kubeconfig)
    return { ...cluster, close: () => cluster.close().finally(removeDirectory) }
  } catch (error) {
    await removeDirectory()
    throw error
  }
}

/** Installs the kinds, roles and accounts that the programs need. */
export async function openClusterOf(api: Api, kubeconfig: string): Promise<DemoCluster> {
  await api.createAll(new URL('crd.yaml', MANIFESTS))
  await api.createAll(new URL('rbac.yaml', MANIFESTS))
  for (const program of PROGRAM_NAMES) await api.createAll(new URL(`${program}.yaml`, MANIFESTS), (kind) => kind === 'ServiceAccount')
  const directory = await mkdtemp(join(tmpdir(), 'vpa-demo-accounts-'))
  const account = (program: ProgramName) => api.writeServiceAccountKubeconfig(`vpa-${program}`, kubeconfig, join(directory, program))
  return {
    kubeconfig,
    programs: { recommender: await account('recommender'), updater: await account('updater'), 'admission-controller': await account('admission-controller') },
    intervalSeconds: 5,
    patienceSeconds: 120,
    close: async () => {
      await api.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function refuseUnsuitable(api: Api): Promise<void> {
  const nodes = await api.nodes()
  const foreign = nodes.find(({ annotations }) => annotations['kwok.x-k8s.io/node'] === undefined)
  if (nodes.length === 0) throw new Error('the current cluster has no nodes; the demo needs at least one of KWOK')
  if (foreign !== undefined) {
    throw new Error(
      `node ${foreign.name} is not one of KWOK: the demo plays its load on KWOK nodes only. ` +
        'On real nodes install the trio with hack/vpa-up.sh and create a VPA for a workload of yours (README, "Use")',
    )
  }
  if (await api.leaseIsFresh('vpa-admission-controller')) throw new Error('a Vertical Pod Autoscaler is running in the current cluster; the demo would act beside it. Stop it first (vpa-down.sh)')
}
