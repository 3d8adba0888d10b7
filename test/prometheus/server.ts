import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freePort } from '../../hack/demo/free-port.ts'

export const USERNAME = 'vpa'
export const PASSWORD = 'secret'
/** bcrypt of {@link PASSWORD}. */
const PASSWORD_HASH = '$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u'
const BASIC = `Basic ${Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64')}`
const FINDER = new URL('../../hack/prometheus.sh', import.meta.url).pathname

interface Programs {
  readonly prometheus: string
  readonly promtool: string
}

/** Undefined where there is none and none can be installed; what is missing was said on the error stream. */
export function findPrometheus(): Programs | undefined {
  const { status, stdout } = spawnSync('bash', [FINDER], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
  if (status !== 0) return undefined
  const { prometheus = '', promtool = '' } = Object.fromEntries(stdout.trim().split('\n').map((line) => line.split('=')))
  return { prometheus, promtool }
}

export interface PrometheusServer {
  readonly url: string
  stop(): Promise<void>
}

/** A Prometheus on a free loopback port that remembers just this, in OpenMetrics, and asks for a user name and password. */
export async function startPrometheus({ prometheus, promtool }: Programs, openMetrics: string): Promise<PrometheusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'))
  const path = (name: string) => join(folder, name)
  await writeFile(path('history.om'), openMetrics)
  await writeFile(path('config.yml'), 'global: {}\n')
  await writeFile(path('web.yml'), `basic_auth_users:\n  ${USERNAME}: ${PASSWORD_HASH}\n`)
  execFileSync(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', path('history.om'), path('data')], { stdio: 'pipe' })
  const address = `127.0.0.1:${await freePort()}`
  const options = { 'config.file': path('config.yml'), 'storage.tsdb.path': path('data'), 'storage.tsdb.retention.time': '30y', 'web.config.file': path('web.yml'), 'web.listen-address': address, 'log.level': 'error' }
  const server = spawn(prometheus, Object.entries(options).map(([name, value]) => `--${name}=${value}`), { stdio: 'inherit' })
  const url = `http://${address}`
  const stop = () => end(server, folder)
  try {
    await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`, { headers: { authorization: BASIC } })).status).toBe(200), { timeout: 60_000, interval: 100 })
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}

async function end(server: ChildProcess, folder: string): Promise<void> {
  const exited = once(server, 'exit')
  if (server.exitCode === null && server.kill('SIGTERM')) await exited
  await rm(folder, { recursive: true, force: true })
}
