import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from './command.ts'
import type { Transcript } from './transcript.ts'

const HACK = fileURLToPath(new URL('..', import.meta.url))
const CONTROL_PLANE = join(HACK, 'control-plane', 'control-plane.sh')

/** A cluster of one real node, with the trio installed in it as a user would. Whoever opens it closes it. */
export interface RealCluster {
  readonly kubeconfig: string
  /** How long the story waits for anything that must happen. */
  readonly patienceSeconds: number
  /** What kubectl prints for these arguments. */
  kubectl(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

/**
 * Starts a control plane with a real node, builds the image, and runs hack/vpa-up.sh.
 *
 * @throws Error with what is missing, where this machine cannot have a real node
 */
export async function openRealCluster(transcript: Transcript): Promise<RealCluster> {
  const scratch = await mkdtemp(join(tmpdir(), 'vpa-demo-'))
  const directory = join(scratch, 'control-plane')
  const controlPlane = (...args: string[]) => command('bash', [CONTROL_PLANE, ...args, '--dir', directory], { progress: true })
  const close = async () => {
    await controlPlane('stop')
    await rm(scratch, { recursive: true, force: true })
  }
  try {
    transcript.say('Starting a control plane with a real node (its programs are built once, which takes minutes)')
    await controlPlane('start', '--real-node')
    transcript.say('hack/image.sh --archive: our image, into the node')
    const image = join(scratch, 'image.tar')
    await command('bash', [join(HACK, 'image.sh'), '--archive', image])
    await controlPlane('load', image)
    const cluster = { ...existingRealCluster(directory), close }
    transcript.say('hack/vpa-up.sh: the trio, into the cluster')
    await installTrio(directory)
    return cluster
  } catch (error) {
    await close()
    throw error
  }
}

/** One that somebody else has started and will stop; the trio is in it. */
export function existingRealCluster(directory: string): RealCluster {
  const env = environmentOf(directory)
  return { kubeconfig: env.KUBECONFIG, patienceSeconds: 180, kubectl: async (...args) => (await command('kubectl', args, { env })) ?? '', close: async () => {} }
}

/** Loops are as short as the story wants them: usage is measured every 10 s. */
async function installTrio(directory: string): Promise<void> {
  const env = environmentOf(directory)
  await command('bash', [join(HACK, 'vpa-up.sh')], { env })
  for (const program of ['recommender', 'updater']) {
    const patch = [{ op: 'add', path: '/spec/template/spec/containers/0/args/-', value: `--${program}-interval=5s` }]
    await command('kubectl', ['patch', 'deployment', `vpa-${program}`, '-n', 'kube-system', '--type', 'json', '-p', JSON.stringify(patch)], { env })
  }
  await command('kubectl', ['rollout', 'status', '-n', 'kube-system', 'deployment/vpa-recommender', 'deployment/vpa-updater', '--timeout', '120s'], { env })
}

function environmentOf(directory: string) {
  return { KUBECONFIG: join(directory, 'kubeconfig'), PATH: `${join(directory, 'bin')}${delimiter}${process.env['PATH']}` }
}
