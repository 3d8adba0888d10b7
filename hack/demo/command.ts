import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Its standard error, where progress is told, goes to ours. */
  readonly progress?: true
}

/**
 * Runs a command to its end without holding up this process, which may be the API server that the command asks.
 *
 * @returns its standard output, or undefined where there is no such command
 * @throws Error with what it printed, when it fails
 */
export function command(name: string, args: readonly string[], { env, progress }: CommandOptions = {}): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', progress ? 'inherit' : 'pipe'] })
    let output = ''
    let problem = ''
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (problem += chunk.toString()))
    child.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(undefined) : reject(error)))
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`${name} ${args.join(' ')}: exit code ${code}. ${problem || output}`.trim()))))
  })
}
