import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { clientOf } from '../../test/support/api-server.ts'
import { usedMs } from '../../test/support/cpu-time.ts'
import { type Line, logInto } from '../../test/support/recorded-log.ts'
import { systemClock } from './clock.ts'
import { ObjectStore } from './store.ts'
import { WatchMetrics } from './watch-metrics.ts'
import { Watch } from './watch.ts'

const PODS = 50_000
const LONGEST_MS = 50

async function startPodListServer(): Promise<string> {
  const server = spawn(process.execPath, [fileURLToPath(new URL('../../test/support/pod-list-server.ts', import.meta.url)), `${PODS}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void server.kill())
  const [port] = (await once(server.stdout, 'data')) as [Buffer]
  return `http://127.0.0.1:${Number(port.toString())}`
}

/**
 * How long the event loop was held at most, in milliseconds of the thread's CPU time: what others on the machine do does not
 * count, unlike in `perf_hooks.monitorEventLoopDelay`.
 */
function watchEventLoop(): { readonly longestMs: () => number; readonly stop: () => void } {
  let [running, longest, before] = [true, 0, usedMs()]
  const turn = () => {
    const now = usedMs()
    longest = Math.max(longest, now - before)
    before = now
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  return { longestMs: () => longest, stop: () => void (running = false) }
}

test('reading 50,000 pods again, in one answer, never holds the event loop for 50 ms', { timeout: 180_000 }, async () => {
  const url = await startPodListServer()
  const stop = new AbortController()
  const logged: Line[] = []
  const log = logInto(logged)
  const store = new ObjectStore<Pod>((error) => log.error('A reaction failed', { error }))
  const metrics = new WatchMetrics(new Registry(), systemClock)
  const watch = new Watch({ kind: 'pods', path: '/api/v1/pods', project: projectPod, store, client: clientOf({ url }), clock: systemClock, log, metrics, signal: stop.signal })
  const running = watch.run()
  await watch.synced
  expect(store.size).toBe(PODS)

  const eventLoop = watchEventLoop()
  let changed = 0
  store.subscribe(({ before, now }) => {
    if (before && now) changed += 1
  })
  // What follows on the last object is part of it: all is over when the watch after the second list is refused as well.
  await expect.poll(() => logged.filter(({ message }) => message === 'Cannot list, trying again').length, { timeout: 120_000 }).toBeGreaterThanOrEqual(2)
  eventLoop.stop()
  stop.abort()
  await running
  expect(eventLoop.longestMs()).toBeLessThan(LONGEST_MS)
  expect(changed).toBeGreaterThanOrEqual(PODS)
  expect(store.size).toBe(PODS)
})
