import { join } from 'node:path'
import { addedTraces, tracesOnThisMachine } from './machine-traces.ts'
import { CONTROL_PLANE, type Count, NOT_AVAILABLE, run, stopControlPlane, title, vitest } from './test-stage.ts'

/**
 * The product as its users have it, on a node with real containers: image, hack/vpa-up.sh, resizes, evictions, OOM kills; hack/vpa-down.sh.
 * Then looks whether anything was left behind on this machine. Needs Linux and root; elsewhere one line says why it is skipped.
 *
 * @param options vitest's
 */
export async function realNodeStage(scratch: string, options: readonly string[] = []): Promise<readonly Count[]> {
  const directory = join(scratch, 'real-node')
  try {
    const before = await tracesOnThisMachine(scratch)
    const tests = await onRealNode(scratch, directory, options)
    stopControlPlane(directory)
    return tests.skipped === 0 ? [tests, nothingLeft(addedTraces(before, await tracesOnThisMachine(scratch)))] : [tests]
  } finally {
    stopControlPlane(directory)
  }
}

async function onRealNode(scratch: string, directory: string, options: readonly string[]): Promise<Count> {
  title('a control plane with a real node')
  const started = await run('bash', [CONTROL_PLANE, 'start', '--real-node', '--nodes', '1', '--dir', directory])
  if (started.code === NOT_AVAILABLE) {
    console.log('SKIPPED: no real node here (see above for what is missing).')
    return { passed: 0, failed: 0, skipped: 1 }
  }
  const image = join(scratch, 'image.tar')
  const steps = [() => run('bash', ['hack/image.sh', '--archive', image]), () => run('bash', [CONTROL_PLANE, 'load', image, '--dir', directory])]
  let { code } = started
  for (const step of steps) if (code === 0) ({ code } = await step())
  if (code !== 0) return { passed: 0, failed: 1, skipped: 0, failures: ['real node: could not be started, or the image not be built and loaded (see above)'] }
  const environment = { VPA_CONTROL_PLANE_KUBECONFIG: join(directory, 'kubeconfig'), VPA_CONTROL_PLANE_DIR: directory }
  return vitest('node', scratch, environment, '--no-file-parallelism', ...options)
}

function nothingLeft(added: readonly string[]): Count {
  title('what is left behind')
  console.log(added.length === 0 ? 'nothing: no process, mount, cgroup, network interface or kernel setting' : added.join('\n'))
  return { passed: Number(added.length === 0), failed: Number(added.length > 0), skipped: 0, failures: added.map((trace) => `left behind: ${trace}`) }
}
