import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startSandbox } from '@vpa/sandbox/sandbox.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { KONG, addDeployment, addVpa, samplesOf } from '../../test/support/recommender-scene.ts'

const PROGRAM = new URL('main.ts', import.meta.url).pathname

test('the program serves its dashboard: page, script, and what it recommends', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recommender-'))
  const sandbox = await startSandbox()
  await writeFile(join(folder, 'kubeconfig'), sandbox.kubeconfig)
  await addDeployment(sandbox, 'web')
  await addVpa(sandbox, 'web')
  const flags = ['--kubeconfig', join(folder, 'kubeconfig'), '--address=127.0.0.1:0', '--dashboard-address=127.0.0.1:0', '--recommender-interval=1s', '--log-format=json']
  const program = spawn(process.execPath, [PROGRAM, ...flags], { stdio: ['ignore', 'ignore', 'pipe'], env: {} })
  onTestFinished(async () => {
    program.kill('SIGKILL')
    await sandbox.stop()
    await rm(folder, { recursive: true })
  })
  const { promise, resolve } = Promise.withResolvers<string>()
  createInterface({ input: program.stderr }).on('line', (line) => {
    const { msg, url } = JSON.parse(line) as { msg: string; url?: string }
    if (msg === 'Serving the dashboard' && url !== undefined) resolve(url)
  })
  const url = await promise
  const text = async (path: string) => (await fetch(url + path)).text()
  expect(await text('/')).toContain('<script type="module" src="dashboard.js">')
  expect((await text('/dashboard.js')).length).toBeGreaterThan(40_000)
  await vi.waitFor(async () => expect(JSON.parse(await text('/api/vpas/default/web'))).toMatchObject({ turnedAt: expect.any(Number), containers: [{ name: 'app', series: { cpu: { request: expect.arrayContaining([100]) } } }] }), { timeout: 60_000, interval: 100 })
})

/** The program as it runs in a cluster, with a turn every second. */
test('whenever it is killed, no sample that was saved is lost', { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recommender-'))
  const sandbox = await startSandbox()
  await writeFile(join(folder, 'kubeconfig'), sandbox.kubeconfig)
  await addDeployment(sandbox, 'web')
  await addVpa(sandbox, 'web')
  sandbox.load('default', { app: 'web' }, 'app', () => KONG)
  const start = () => spawn(process.execPath, [PROGRAM, '--kubeconfig', join(folder, 'kubeconfig'), '--address=127.0.0.1:0', '--dashboard-address=127.0.0.1:0', '--recommender-interval=1s'], { stdio: 'ignore', env: {} })
  let program: ChildProcess = start()
  onTestFinished(async () => {
    program.kill('SIGKILL')
    await sandbox.stop()
    await rm(folder, { recursive: true })
  })

  for (const later of [0, 150, 400]) {
    const before = samplesOf(sandbox)
    await vi.waitFor(() => expect(samplesOf(sandbox)).toBeGreaterThan(before + 1), { timeout: 60_000, interval: 20 })
    await new Promise((resolve) => { setTimeout(resolve, later) })
    program.kill('SIGKILL')
    await once(program, 'exit')
    const saved = samplesOf(sandbox)
    program = start()
    await vi.waitFor(() => expect(samplesOf(sandbox)).not.toBe(saved), { timeout: 60_000, interval: 20 })
    expect(samplesOf(sandbox)).toBeGreaterThan(saved)
  }
})
