import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Program } from '../../test/support/program.ts'
import { KONG, addDeployment, addVpa, samplesOf } from '../../test/support/recommender-scene.ts'

interface Scene {
  readonly sandbox: Sandbox
  /** The program as it runs in a cluster, with a turn every second. It ends with the test. */
  start(...flags: readonly string[]): Program
}

/** A cluster with a Deployment and its VPA. */
async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'recommender-'))
  const sandbox = await startSandbox()
  const programs: Program[] = []
  onTestFinished(async () => {
    await Promise.all(programs.map((program) => program.stop('SIGKILL')))
    await sandbox.stop()
    await rm(folder, { recursive: true })
  })
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, sandbox.kubeconfig)
  await addDeployment(sandbox, 'web')
  await addVpa(sandbox, 'web')
  return {
    sandbox,
    start(...flags) {
      const program = new Program('recommender', kubeconfig, ['--dashboard-address=127.0.0.1:0', '--recommender-interval=1s', ...flags])
      programs.push(program)
      return program
    },
  }
}

test('the program serves its dashboard: page, script, and what it recommends', { timeout: 120_000 }, async () => {
  const { start } = await openScene()
  const program = start()
  const { url } = await program.said('Serving the dashboard')
  const text = async (path: string) => (await fetch(`${String(url)}${path}`)).text()
  expect(await text('/')).toContain('<script type="module" src="dashboard.js">')
  expect((await text('/dashboard.js')).length).toBeGreaterThan(40_000)
  await vi.waitFor(async () => expect(JSON.parse(await text('/api/vpas/default/web'))).toMatchObject({ turnedAt: expect.any(Number), containers: [{ name: 'app', series: { cpu: { request: expect.arrayContaining([100]) } } }] }), { timeout: 60_000, interval: 100 })
})

test.for([
  ['a password', ['--username=reader', '--password=not-to-be-seen']],
  ['a token', ['--prometheus-bearer-token=not-to-be-seen']],
] as const)('%s for Prometheus is not logged, also where Prometheus cannot be asked; that it is not verified is', { timeout: 120_000 }, async ([, login]) => {
  const { start } = await openScene()
  const program = start('--storage=prometheus', '--prometheus-address=https://127.0.0.1:1', '--prometheus-insecure', '--v=5', ...login)
  await program.said('ClusterState is tracking')
  const log = program.lines.map((line) => JSON.stringify(line)).join('\n')
  expect(log).toContain('--prometheus-insecure')
  expect(log).toContain('127.0.0.1:1')
  expect(log).not.toContain('not-to-be-seen')
  // As it is sent.
  expect(log).not.toContain(Buffer.from('reader:not-to-be-seen').toString('base64'))
})

test('it is ready when the cluster is read, not before, and however long Prometheus takes', { timeout: 120_000 }, async () => {
  const prometheus = createServer(() => {}).listen(0, '127.0.0.1')
  onTestFinished(() => void (prometheus.closeAllConnections(), prometheus.close()))
  await once(prometheus, 'listening')
  const { sandbox, start } = await openScene()
  sandbox.faults.respond({ path: /verticalpodautoscalers$/, method: 'GET', status: 500, times: Infinity })
  const program = start('--storage=prometheus', `--prometheus-address=http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`)
  const port = await program.portOf('Serving metrics and health')
  const said = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  expect(await Promise.all(['/health-check', '/readyz'].map(said))).toEqual(['OK', 'starting'])
  sandbox.faults.clear()
  await vi.waitFor(async () => expect(await said('/readyz')).toBe('OK'), { timeout: 60_000, interval: 100 })
  expect(program.logged('History read from Prometheus')).toEqual([])
})

test('whenever it is killed, no sample that was saved is lost', { timeout: 240_000 }, async () => {
  const { sandbox, start } = await openScene()
  sandbox.load('default', { app: 'web' }, 'app', () => KONG)
  let program = start()

  // In its third turn: when that begins, when its samples are known and not saved, and when they are saved.
  for (const moment of ['Recommender Run', 'ClusterSpec fed with ContainerUsageSamples', 'Saved checkpoint for VPA']) {
    await program.said(moment, 3)
    await program.stop('SIGKILL')
    const saved = samplesOf(sandbox)
    expect(saved).toBeGreaterThan(0)
    program = start()
    await vi.waitFor(() => expect(samplesOf(sandbox)).not.toBe(saved), { timeout: 60_000, interval: 20 })
    expect(samplesOf(sandbox)).toBeGreaterThan(saved)
  }
})
