import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Api } from './api.ts'
import { command } from './command.ts'
import { openClusterOf } from './current-cluster.ts'
import type { DemoCluster } from './demo-cluster.ts'
import type { Transcript } from './transcript.ts'

const CONTROL_PLANE = fileURLToPath(new URL('../control-plane/control-plane.sh', import.meta.url))

/** A real control plane of our own: kube-apiserver, etcd, scheduler, controllers, KWOK and metrics-server as local processes. */
export async function openLocalCluster(transcript: Transcript): Promise<DemoCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'vpa-demo-'))
  const controlPlane = (verb: string, ...more: string[]) => command('bash', [CONTROL_PLANE, verb, '--dir', join(directory, 'control-plane'), ...more], { progress: true })
  const close = async () => {
    await controlPlane('stop')
    await rm(directory, { recursive: true, force: true })
  }
  transcript.say('Starting a real control plane (its programs are built once, which takes minutes)')
  try {
    await controlPlane('start')
    const kubeconfig = ((await controlPlane('kubeconfig')) ?? '').trim()
    const cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
    return { ...cluster, close: () => cluster.close().finally(close) }
  } catch (error) {
    await close()
    throw error
  }
}
