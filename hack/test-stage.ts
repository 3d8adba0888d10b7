import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** What a stage of tests came to. */
export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** What failed, a line each: said again at the end, since the output above it is long. */
  readonly failures?: readonly string[]
}

interface Finished {
  readonly code: number
  readonly output: string
}

export const CONTROL_PLANE = join('hack', 'control-plane', 'control-plane.sh')
/** The exit code by which CONTROL_PLANE says that this machine cannot have it. */
export const NOT_AVAILABLE = 3

const interruption = new AbortController()
/** Aborted when we have been told to end. */
export const interrupted = interruption.signal
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort(new Error(`ended by ${signal}`)))

export const bin = (name: string) => join('node_modules', '.bin', name)

/** Runs the stages with a folder of their own, prints the closing line and sets the exit code; 130 when we are told to end. */
export async function runStages(stages: (scratch: string) => Promise<readonly Count[]>): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'vpa-test-'))
  try {
    process.exitCode = closingLine(await stages(scratch))
  } catch (error) {
    if (!interrupted.aborted) throw error
    console.error('\ninterrupted')
    process.exitCode = 130
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Prints what failed and `N passed, N failed, N skipped`; the exit code. */
function closingLine(counts: readonly Count[]): 0 | 1 {
  for (const failure of counts.flatMap((count) => count.failures ?? [])) console.log(`FAILED ${failure}`)
  const total = (key: 'passed' | 'failed' | 'skipped') => counts.reduce((sum, count) => sum + count[key], 0)
  console.log(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
  return total('failed') > 0 ? 1 : 0
}

export function title(text: string): void {
  console.log(`\n== ${text}`)
}

/** Runs the tests of one project of test/vitest.config.ts; its report goes through the folder `scratch`. Options are vitest's. */
export async function vitest(project: string, scratch: string, env: NodeJS.ProcessEnv = {}, ...options: string[]): Promise<Count> {
  title(`${project} tests`)
  const report = join(scratch, `${project}.json`)
  const shown = options.some((option) => option.startsWith('--reporter=')) ? [] : ['--reporter=default']
  const { code } = await run(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', '--project', project, ...options, ...shown, '--reporter=json', `--outputFile.json=${report}`], env)
  const result = await readFile(report, 'utf8').then(
    (text) => JSON.parse(text) as Report,
    () => undefined,
  )
  const failures = (result?.testResults ?? []).flatMap(failuresOf)
  const failed = result?.numFailedTests ?? 0
  // A suite that could not even be loaded counts no failed test, yet it has failed.
  if (code !== 0 && failed === 0) return { passed: result?.numPassedTests ?? 0, failed: 1, skipped: result?.numPendingTests ?? 0, failures: [...failures, `${project} tests: exit code ${code}`] }
  return { passed: result?.numPassedTests ?? 0, failed, skipped: result?.numPendingTests ?? 0, failures }
}

/** What is read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly FileReport[]
}

interface FileReport {
  readonly name: string
  readonly status: string
  readonly message: string
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly failureMessages?: readonly string[] | null }[]
}

function failuresOf({ name, status, message, assertionResults }: FileReport): string[] {
  const file = relative(process.cwd(), name)
  const tests = assertionResults.filter((test) => test.status === 'failed')
  if (tests.length === 0 && status === 'failed') return [`${file}: ${message}`]
  return tests.map((test) => `${file}: ${test.fullName}: ${test.failureMessages?.[0]?.split('\n')[0] ?? 'no message'}`)
}

/** Stops a control plane, also when we have been told to end. */
export function stopControlPlane(directory: string): void {
  spawnSync('bash', [CONTROL_PLANE, 'stop', '--dir', directory], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/**
 * Runs a command to its end; its output is shown as it comes (unless `quiet`) and returned.
 *
 * @throws Error when we are told to end; the command is then told so too
 */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, show: 'shown' | 'quiet' = 'shown'): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'], signal: interrupted })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (show === 'shown') process.stdout.write(chunk)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
