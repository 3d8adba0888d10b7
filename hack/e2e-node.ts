/**
 * The product as its users have it, on a node with real containers: image, hack/vpa-up.sh, resizes, evictions, OOM kills; hack/vpa-down.sh.
 * Then looks whether anything was left behind on this machine. Needs Linux and root; elsewhere one line says why it is skipped.
 *
 *   npm run e2e:node [-- OPTION...]     options are vitest's, such as -t NAME
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addedTraces, tracesOnThisMachine } from './machine-traces.ts'
import { CONTROL_PLANE, type Count, NOT_AVAILABLE, closingLine, interrupted, run, stopControlPlane, title, vitest } from './test-stage.ts'

const scratch = await mkdtemp(join(tmpdir(), 'vpa-node-'))
const directory = join(scratch, 'control-plane')
try {
  const before = await tracesOnThisMachine(scratch)
  const tests = await onRealNode()
  stopControlPlane(directory)
  const counts = tests.skipped === 0 ? [tests, nothingLeft(addedTraces(before, await tracesOnThisMachine(scratch)))] : [tests]
  process.exitCode = closingLine(counts)
} catch (error) {
  if (!interrupted.aborted) throw error
  console.error('\ninterrupted')
  process.exitCode = 130
} finally {
  stopControlPlane(directory)
  await rm(scratch, { recursive: true, force: true })
}

async function onRealNode(): Promise<Count> {
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
  if (code !== 0) return { passed: 0, failed: 1, skipped: 0 }
  const environment = { VPA_CONTROL_PLANE_KUBECONFIG: join(directory, 'kubeconfig'), VPA_CONTROL_PLANE_DIR: directory }
  return vitest('node', scratch, environment, '--no-file-parallelism', ...process.argv.slice(2))
}

function nothingLeft(added: readonly string[]): Count {
  title('what is left behind')
  console.log(added.length === 0 ? 'nothing: no process, mount, cgroup, network interface or kernel setting' : added.join('\n'))
  return { passed: Number(added.length === 0), failed: Number(added.length > 0), skipped: 0 }
}
