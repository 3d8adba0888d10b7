import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface AdmissionController {
  /** Where it listens, by the message of its log that tells: `Serving admission reviews`. */
  readonly ports: ReadonlyMap<string, number>
  /** Resolves when the process is gone. */
  end(signal?: NodeJS.Signals): Promise<void>
}

const COMMON = ['--address=127.0.0.1:0', '--tls-cert-file=/none', '--log-format=json']

/** The program as a process of its own; resolves when its log says `until`. Who starts it ends it. */
export async function startAdmissionController(flags: readonly string[], until: string): Promise<AdmissionController> {
  const child = spawn(process.execPath, ['packages/admission-controller/main.ts', ...COMMON, ...flags], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NAMESPACE: 'kube-system' } })
  const ports = new Map<string, number>()
  const lines: string[] = []
  for await (const line of createInterface(child.stderr)) {
    lines.push(line)
    const { msg, port } = line.startsWith('{') ? (JSON.parse(line) as { msg: string; port?: number }) : { msg: '' }
    if (port !== undefined) ports.set(msg, port)
    if (msg === until) {
      // What is logged from here on must not fill the pipe.
      child.stderr.resume()
      return { ports, end: (signal) => end(child, signal) }
    }
  }
  throw new Error(`the admission controller ended before it said "${until}":\n${lines.join('\n')}`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
