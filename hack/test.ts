/**
 * All tests, one closing line: `N passed, N failed, N skipped`.
 *
 * 1. check: types, lint, dead code   2. unit and sandbox tests   3. parity vectors   4. the dashboard in a real browser
 * 5. contract, e2e and chaos on a real control plane   6. e2e on a real node
 *
 * Where Chromium or the control plane can neither be found nor installed, its stage is reported as skipped with what is missing; in CI that is a failure.
 * A real node needs Linux and root besides, and is never more than skipped.
 */
import { join } from 'node:path'
import { realNodeStage } from './real-node-stage.ts'
import { CONTROL_PLANE, type Count, NOT_AVAILABLE, bin, run, runStages, stopControlPlane, title, vitest } from './test-stage.ts'

await runStages(async (scratch) => [await check(), await vitest('unit', scratch), await parity(), await inBrowser(scratch), ...(await onControlPlane(scratch)), ...(await realNodeStage(scratch))])

async function check(): Promise<Count> {
  title('types, lint, dead code')
  const { code } = await run('npm', ['run', '--silent', 'check'])
  return { passed: Number(code === 0), failed: Number(code !== 0), skipped: 0, failures: code === 0 ? [] : ['types, lint, dead code: npm run check'] }
}

async function parity(): Promise<Count> {
  title('parity vectors')
  const { code, output } = await run(bin('node'), ['test/parity/run.ts'], {}, 'quiet')
  const lines = output.trimEnd().split('\n')
  const others = lines.filter((text) => !text.startsWith('ok '))
  for (const line of others) console.log(line)
  const [, passed = '0', failed = '0', skipped = '0'] = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(lines.at(-1) ?? '') ?? []
  return { passed: Number(passed), failed: code !== 0 ? Math.max(1, Number(failed)) : Number(failed), skipped: Number(skipped), failures: code === 0 ? [] : [`parity vectors: ${others[0]}`] }
}

async function inBrowser(scratch: string): Promise<Count> {
  // Found and installed here, where it can be watched and interrupted; the tests find it at once, and say so where there is none.
  await run('bash', ['hack/chromium.sh'])
  return vitest('browser', scratch)
}

async function onControlPlane(scratch: string): Promise<readonly Count[]> {
  title('contract, e2e and chaos on a real control plane')
  const directory = join(scratch, 'control-plane')
  const started = await run('bash', [CONTROL_PLANE, 'start', '--dir', directory, '--nodes', '2'])
  if (started.code === NOT_AVAILABLE) {
    const inCi = process.env['CI'] !== undefined
    console.log(inCi ? 'FAILED: CI must have the control plane (see above for what is missing).' : 'SKIPPED: no control plane here (see above for what is missing).')
    return [{ passed: 0, failed: Number(inCi), skipped: Number(!inCi), failures: inCi ? ['control plane: not available'] : [] }]
  }
  try {
    if (started.code !== 0) return [{ passed: 0, failed: 1, skipped: 0, failures: ['control plane: could not be started'] }]
    const kubeconfig = (await run('bash', [CONTROL_PLANE, 'kubeconfig', '--dir', directory], {}, 'quiet')).output.trim()
    const environment = { VPA_CONTROL_PLANE_KUBECONFIG: kubeconfig, VPA_CONTROL_PLANE_DIR: directory }
    // One file at a time: they share the cluster, and some install and remove the same things.
    const cluster = await vitest('cluster', scratch, environment, '--no-file-parallelism')
    // It kills the control plane's own processes, so nothing comes after it.
    return [cluster, await vitest('chaos', scratch, environment)]
  } finally {
    stopControlPlane(directory)
  }
}
