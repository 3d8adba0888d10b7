import { setImmediate } from 'node:timers/promises'
import { MINUTE, SECOND, formatTime } from '@vpa/core/time.ts'
import { describe, expect, test } from 'vitest'
import { hungryScene, savedCheckpoint, startRecommender, targetOf } from '../../test/support/recommender-scene.ts'

describe('a recommender that was away', () => {
  test('counts the OOMs of that time, and none that came before', async () => {
    const { sandbox, clock, run, use } = await hungryScene(10)
    await run(2)
    use(400)
    await clock.advance(MINUTE)
    use(10)
    await clock.advance(5 * MINUTE)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(5)
    expect(restarted.messages.filter((message) => message === 'OOM detected')).toHaveLength(1)
    const counted = targetOf(sandbox, 'hungry')?.memory
    expect(Number(counted)).toBeGreaterThan(300 * 1024 * 1024)

    const next = await startRecommender(sandbox, clock)
    await next.run(1)
    expect(next.messages).not.toContain('OOM detected')
    expect(targetOf(sandbox, 'hungry')?.memory).toBe(counted)
  })

  test('takes no OOM for usage that came before it knew of the container', async () => {
    const { sandbox, clock, use } = await hungryScene(400)
    await clock.advance(MINUTE)
    use(10)
    await clock.advance(5 * MINUTE)
    const first = await startRecommender(sandbox, clock)
    await first.run(2)
    expect(first.messages).not.toContain('OOM detected')
  })
})

describe('a replica that stood by and takes over', () => {
  test('counts the OOMs that nobody has counted, and no other', async () => {
    const { sandbox, clock, run, use } = await hungryScene(10)
    await run(2)
    const standby = await startRecommender(sandbox, clock)
    use(400)
    await run(1)
    use(10)
    await run(3)
    const counted = targetOf(sandbox, 'hungry')?.memory
    await standby.run(1)
    expect(standby.messages).not.toContain('OOM detected')
    expect(targetOf(sandbox, 'hungry')?.memory).toBe(counted)

    const next = await startRecommender(sandbox, clock)
    use(400)
    await next.run(1)
    expect(next.messages).toContain('OOM detected')
  })

  test('counts an OOM of a container whose checkpoint is older, however new those of others are', async () => {
    const { sandbox, clock, run, use } = await hungryScene(10)
    await run(2)
    const standby = await startRecommender(sandbox, clock)
    use(400)
    await clock.advance(MINUTE)
    use(10)
    await clock.advance(3 * MINUTE)
    const ofAnother = savedCheckpoint('elsewhere', 'app', clock.now()) as { status: object }
    await sandbox.apply({ ...ofAnother, status: { ...ofAnother.status, lastUpdateTime: formatTime(clock.now()) } })
    await standby.run(1)
    expect(standby.messages).toContain('OOM detected')
  })

  test('counts an OOM that came while the one before it was writing', async () => {
    const { sandbox, clock, run, use } = await hungryScene(10)
    await run(2)
    const standby = await startRecommender(sandbox, clock)
    const slow = await startRecommender(sandbox, clock, ['--update-worker-count=1', '--checkpoints-timeout=5m'])
    sandbox.faults.respond({ path: /verticalpodautoscalercheckpoints.web-app/, method: 'PATCH', status: 429, retryAfterSeconds: 30, times: 4 })
    const turn = slow.turn()
    while (sandbox.faults.made === 0) await setImmediate()
    await clock.advance(20 * SECOND)
    use(400)
    await clock.advance(30 * SECOND)
    use(10)
    while (!slow.messages.includes('ClusterState is tracking')) await clock.advance(SECOND)
    await turn
    await standby.run(1)
    expect(standby.messages).toContain('OOM detected')
  })
})
