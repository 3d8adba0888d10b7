import { SECOND } from '@vpa/core/time.ts'
import type { EventAbout, EventQuery } from '@vpa/kube/events-about.ts'
import { expect, test } from 'vitest'
import { fakeClock } from '../../../test/support/fake-clock.ts'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import { Marks } from './marks.ts'

const AT = Date.UTC(2026, 2, 1)
const resize = (about: string): EventAbout => ({ about, type: 'Normal', reason: 'InPlaceResizedByVPA', message: '', at: AT })
const recorder = { oomsOf: () => [] }

function setUp(answer: (query: EventQuery) => Promise<readonly EventAbout[]>) {
  const clock = fakeClock()
  let asked = 0
  const cluster = { eventsAbout: (query: EventQuery) => { asked += 1; return answer(query) } }
  return { clock, marks: new Marks({ cluster, clock, recorder }), asked: () => asked }
}

test('resizes of other pods of the namespace are not this VPA’s', async () => {
  const { marks } = setUp(async (query) => ('reason' in query ? [resize('own'), resize('foreign')] : []))
  expect((await marks.of(vpaWith(), [podWith({ name: 'own' })])).marks.map(({ pod }) => pod)).toEqual(['own'])
})

test('who looks often asks seldom', async () => {
  const { clock, marks, asked } = setUp(async () => [])
  for (let second = 0; second < 9; second += 1) {
    await marks.of(vpaWith(), [])
    await clock.advance(SECOND)
  }
  expect(asked()).toBe(2)
  await clock.advance(SECOND)
  await marks.of(vpaWith(), [])
  expect(asked()).toBe(4)
})

test('an account that may not read events is told so, and OOMs are still there', async () => {
  const { marks } = setUp(() => Promise.reject(new Error('events is forbidden')))
  const killed = podWith({ containerStatuses: [{ name: 'app', restartCount: 1, state: { running: {} }, lastState: { terminated: { reason: 'OOMKilled', finishedAt: '2026-03-01T00:00:00Z' } } }] })
  expect(await marks.of(vpaWith(), [killed])).toMatchObject({ marks: [{ kind: 'oom', at: AT }], marksMissing: 'Evictions and resizes are not shown, because events cannot be read: events is forbidden' })
})
