import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@vpa/sandbox/sandbox.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { KONG, addDeployment, addVpa, samplesOf } from '../../test/support/recommender-scene.ts'

const PROGRAM = new URL('main.ts', import.meta.url).pathname

/** The program as it runs in a cluster, with a turn every second. */
test('whenever it is killed, no sample that was saved is lost', { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recommender-'))
  const sandbox = await startSandbox()
  await writeFile(join(folder, 'kubeconfig'), sandbox.kubeconfig)
  await addDeployment(sandbox, 'web')
  await addVpa(sandbox, 'web')
  sandbox.load('default', { app: 'web' }, 'app', () => KONG)
  const start = () => spawn(process.execPath, [PROGRAM, '--kubeconfig', join(folder, 'kubeconfig'), '--address=127.0.0.1:0', '--recommender-interval=1s'], { stdio: 'ignore', env: {} })
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
