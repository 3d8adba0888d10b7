import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import { json, refuse, startApiServer } from '../../test/support/api-server.ts'

const PROGRAM = new URL('../../test/support/idle-program.ts', import.meta.url).pathname

/** Starts the program as a process of its own; it is killed when the test ends. */
function start(...flags: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...flags], { env: { NAMESPACE: 'kong' } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const out = child.stdout.toArray()
  const err: string[] = []
  createInterface(child.stderr).on('line', (line) => err.push(line))
  return {
    /** The fields of the log line with that message, as soon as it is there. */
    logged: (message: string): Promise<Record<string, unknown>> =>
      vi.waitFor(
        () => {
          const line = err.map(fieldsOf).find((fields) => fields['msg'] === message)
          if (line === undefined) throw new Error(`not logged: ${message}`)
          return line
        },
        { timeout: 10_000 },
      ),
    stop: (signal: NodeJS.Signals) => child.kill(signal),
    async ended() {
      const [code] = await once(child, 'close')
      return { code, out: (await out).join(''), err }
    },
  }
}

function fieldsOf(line: string): Record<string, unknown> {
  return line.startsWith('{') ? JSON.parse(line) : { line }
}

async function kubeconfig(server: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vpa-program-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'kubeconfig')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server } }],
    users: [{ name: 'test', user: {} }],
  }
  await writeFile(path, JSON.stringify(config))
  return path
}

test.for(['SIGTERM', 'SIGINT'] as const)('serves metrics and health, works, and ends with 0 after %s', async (signal) => {
  const program = start()
  expect(await program.logged('Working')).toMatchObject({ level: 'info', namespace: 'kong' })
  const { port } = await program.logged('Serving metrics and health')
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  expect(await get('/metrics')).toContain('process_cpu_seconds_total')
  expect([await get('/health-check'), await get('/readyz')]).toEqual(['OK', 'OK'])
  program.stop(signal)
  expect(await program.ended()).toMatchObject({ code: 0, out: '' })
})

test('told to stop while it connects, it does not wait for what will never come, and ends with 0', async () => {
  const program = start('--gets-ready')
  await program.logged('Getting ready')
  program.stop('SIGTERM')
  expect((await program.ended()).code).toBe(0)
})

test('a wrong flag is one line, and exit code 2', async () => {
  expect(await start('--adress=:1').ended()).toEqual({ code: 2, out: '', err: ['vpa-idle: unknown flag --adress; did you mean --address?'] })
})

test('--help goes to the standard output', async () => {
  const { code, out, err } = await start('--help').ended()
  expect([code, err, out.split('\n')[0]]).toEqual([0, [], 'Usage: vpa-idle [flags]'])
  expect(out).toContain('--leader-elect-lease-duration duration (default 15s)')
})

test('an occupied port is named, with what to do, and exit code 1', async () => {
  const occupant = createServer().listen(0, '127.0.0.1')
  await once(occupant, 'listening')
  onTestFinished(() => void occupant.close())
  const { port } = occupant.address() as AddressInfo
  const { code, err } = await start(`--address=127.0.0.1:${port}`).ended()
  expect([code, fieldsOf(err.at(-1)!)]).toMatchObject([1, { error: { message: `cannot serve metrics at 127.0.0.1:${port}; choose another address with --address: listen EADDRINUSE: address already in use 127.0.0.1:${port}` } }])
})

test('work that fails ends the program with 1', async () => {
  const { code, err } = await start('--fails').ended()
  expect([code, fieldsOf(err.at(-1)!)]).toMatchObject([1, { level: 'error', msg: 'Stopped by an error', error: { message: 'it was asked for' } }])
})

test('with leader election it works once it holds the lease, gives it back at the end, and only then ends', async () => {
  const server = await startApiServer((request, response) => (request.method === 'GET' ? refuse(response, 404) : json(response, 200, request.body)))
  const program = start('--leader-elect', '--kubeconfig', await kubeconfig(server.url))
  await program.logged('Working')
  const { port } = await program.logged('Serving metrics and health')
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('leader_election_master_status{name="vpa-idle"} 1')
  program.stop('SIGTERM')
  expect((await program.ended()).code).toBe(0)
  const [create, release] = server.seen.filter(({ method }) => method !== 'GET')
  expect(create).toMatchObject({ method: 'POST', path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', body: { spec: { leaseDurationSeconds: 15 } } })
  expect(release).toMatchObject({ method: 'PUT', path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/vpa-idle', body: { spec: { holderIdentity: '' } } })
})

test('a lost lease ends the program with 1', async () => {
  const server = await startApiServer((request, response) => (request.method === 'GET' ? refuse(response, 404) : json(response, 200, request.body)))
  const program = start('--leader-elect', '--leader-elect-renew-deadline=50ms', '--leader-elect-retry-period=10ms', '--kubeconfig', await kubeconfig(server.url))
  await program.logged('Working')
  server.handle((_, response) => refuse(response, 403))
  const { code, err } = await program.ended()
  expect([code, fieldsOf(err.at(-1)!)]).toMatchObject([1, { error: { message: 'lost master' } }])
})
