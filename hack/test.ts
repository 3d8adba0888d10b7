/**
 * All tests, one closing line: `N passed, N failed, N skipped`.
 *
 * 1. check: types, lint, dead code   2. unit and sandbox tests   3. parity vectors   4. contract and e2e on a real control plane
 *
 * Where the control plane can neither be found nor built, stage 4 is reported as skipped with what is missing; in CI that is a failure.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface Finished {
  readonly code: number
  readonly output: string
}

const NOT_AVAILABLE = 3
const bin = (name: string) => join('node_modules', '.bin', name)
const CONTROL_PLANE = join('hack', 'control-plane', 'control-plane.sh')

const scratch = await mkdtemp(join(tmpdir(), 'vpa-test-'))
try {
  const counts = [await check(), await vitest('unit'), await parity(), await onControlPlane()]
  const total = (key: keyof Count) => counts.reduce((sum, count) => sum + count[key], 0)
  console.log(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
  process.exitCode = total('failed') > 0 ? 1 : 0
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function check(): Promise<Count> {
  title('types, lint, dead code')
  const { code } = await run('npm', ['run', '--silent', 'check'])
  return { passed: Number(code === 0), failed: Number(code !== 0), skipped: 0 }
}

async function vitest(project: string, env: NodeJS.ProcessEnv = {}, ...options: string[]): Promise<Count> {
  title(`${project} tests`)
  const report = join(scratch, `${project}.json`)
  const { code } = await run(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', '--project', project, ...options, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], env)
  const result = await readFile(report, 'utf8').then(
    (text) => JSON.parse(text) as { numPassedTests: number; numFailedTests: number; numPendingTests: number },
    () => undefined,
  )
  const failed = result?.numFailedTests ?? 0
  // A suite that could not even be loaded counts no failed test, yet it has failed.
  return { passed: result?.numPassedTests ?? 0, failed: code !== 0 && failed === 0 ? 1 : failed, skipped: result?.numPendingTests ?? 0 }
}

async function parity(): Promise<Count> {
  title('parity vectors')
  const { code, output } = await run(bin('node'), ['test/parity/run.ts'], {}, 'quiet')
  const lines = output.trimEnd().split('\n')
  for (const line of lines.filter((text) => !text.startsWith('ok '))) console.log(line)
  const [, passed = '0', failed = '0', skipped = '0'] = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(lines.at(-1) ?? '') ?? []
  return { passed: Number(passed), failed: code !== 0 ? Math.max(1, Number(failed)) : Number(failed), skipped: Number(skipped) }
}

async function onControlPlane(): Promise<Count> {
  title('contract and e2e on a real control plane')
  const directory = join(scratch, 'control-plane')
  const started = await run('bash', [CONTROL_PLANE, 'start', '--dir', directory, '--nodes', '2'])
  if (started.code === NOT_AVAILABLE) {
    const inCi = process.env['CI'] !== undefined
    console.log(inCi ? 'FAILED: CI must have the control plane (see above for what is missing).' : 'SKIPPED: no control plane here (see above for what is missing).')
    return { passed: 0, failed: Number(inCi), skipped: Number(!inCi) }
  }
  try {
    if (started.code !== 0) return { passed: 0, failed: 1, skipped: 0 }
    const kubeconfig = (await run('bash', [CONTROL_PLANE, 'kubeconfig', '--dir', directory], {}, 'quiet')).output.trim()
    // One file at a time: they share the cluster, and some install and remove the same things.
    return await vitest('cluster', { VPA_CONTROL_PLANE_KUBECONFIG: kubeconfig, VPA_CONTROL_PLANE_DIR: directory }, '--no-file-parallelism')
  } finally {
    await run('bash', [CONTROL_PLANE, 'stop', '--dir', directory], {}, 'quiet')
  }
}

function title(text: string): void {
  console.log(`\n== ${text}`)
}

/** Runs a command to its end; its output is shown as it comes (unless `quiet`) and returned. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, show: 'shown' | 'quiet' = 'shown'): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (show === 'shown') process.stdout.write(chunk)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
