/**
 * Everything that goes wrong, in its long form: on the sandbox, then on control planes of its own. The processes of the last one are killed.
 *
 *   npm run chaos [-- OPTION...]     options are vitest's, such as -t NAME
 *
 *   CHAOS_SECONDS    how long each fault lasts (30)
 */
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL_PLANE, type Count, run, runStages, stopControlPlane, vitest } from './test-stage.ts'

const ENVIRONMENT = { CHAOS_SECONDS: process.env['CHAOS_SECONDS'] ?? '30' }
/** Each test is told as it ends: they take minutes. */
const OPTIONS = [...process.argv.slice(2), '--reporter=verbose']

await runStages(async (scratch) => [
  await vitest('unit', scratch, ENVIRONMENT, 'test/chaos', ...OPTIONS),
  // It starts a control plane of its own, and stops it.
  await vitest('cluster', scratch, ENVIRONMENT, 'test/chaos/cluster', ...OPTIONS),
  await onControlPlane(scratch),
])

async function onControlPlane(scratch: string): Promise<Count> {
  const directory = join(scratch, 'control-plane')
  let isWell = false
  try {
    const { code } = await run('bash', [CONTROL_PLANE, 'start', '--dir', directory, '--nodes', '2'])
    if (code !== 0) return { passed: 0, failed: 1, skipped: 0, failures: ['control plane: could not be started (see above)'] }
    const count = await vitest('chaos', scratch, { ...ENVIRONMENT, VPA_CONTROL_PLANE_DIR: directory, VPA_CONTROL_PLANE_KUBECONFIG: join(directory, 'kubeconfig') }, ...OPTIONS)
    isWell = count.failed === 0
    return count
  } finally {
    stopControlPlane(directory)
    if (!isWell) await keepLogs(directory, `${scratch}.logs`)
  }
}

/** One that was not even started has none. */
async function keepLogs(directory: string, kept: string): Promise<void> {
  const areKept = await rename(join(directory, 'logs'), kept).then(() => true, () => false)
  if (areKept) console.error(`The control plane's logs are kept in ${kept}`)
}
