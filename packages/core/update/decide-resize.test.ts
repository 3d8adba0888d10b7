import { expect, test } from 'vitest'
import { type PodFacts, podWith, recommendationWith, vpaWith } from '../../../test/support/objects.ts'
import { HOUR, MINUTE } from '../time.ts'
import { type ResizeFacts, decideResize, evictionPermission } from './decide-resize.ts'
import { ReplicaGroup } from './replica-group.ts'
import { ResizeTimes, isRestartingForResize } from './resize-status.ts'

const containerRecommendations = [{ containerName: 'app', target: { cpu: '2' } }]
const all = (tolerance = 0.5) => new ReplicaGroup({ configured: 3, running: 3, tolerance })
const oneMissing = (tolerance = 0.5) => new ReplicaGroup({ configured: 3, running: 2, tolerance })
const pending = (reason: string): PodFacts => ({ conditions: [{ type: 'PodResizePending', status: 'True', reason }] })
const inProgress: PodFacts = { conditions: [{ type: 'PodResizeInProgress', status: 'True' }] }
const failed: PodFacts = { conditions: [{ type: 'PodResizeInProgress', status: 'True', reason: 'Error', message: 'no' }] }

function decide(mode: string, pod: PodFacts, facts: Partial<ResizeFacts> = {}) {
  const vpa = vpaWith({ updatePolicy: { updateMode: mode } }, { recommendation: { containerRecommendations } })
  return decideResize(podWith(pod), { vpa, group: all(), resizingFor: 0, infeasible: undefined, skipDisruptionBudget: false, ...facts })
}

// Most rows are from upstream's pods_inplace_restriction_test.go.
test.for<[string, PodFacts, Partial<ResizeFacts>, object]>([
  ['all pods run', {}, {}, { do: 'resize', why: 'granted' }],
  ['one is missing', {}, { group: oneMissing() }, { do: 'nothing', why: 'budget-spent' }],
  ['all run, little is tolerated: one at a time', {}, { group: all(0.1) }, { do: 'resize', why: 'granted' }],
  ['one is missing, little is tolerated', {}, { group: oneMissing(0.1) }, { do: 'nothing', why: 'budget-spent' }],
  ['one is missing, but a resize disrupts nothing', {}, { group: oneMissing(), skipDisruptionBudget: true }, { do: 'resize', why: 'disrupts-nothing' }],
  [
    'one is missing, and a resize restarts the container',
    { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] },
    { group: oneMissing(), skipDisruptionBudget: true },
    { do: 'nothing', why: 'budget-spent' },
  ],
  ['just deferred', pending('Deferred'), { resizingFor: 5 * MINUTE }, { do: 'nothing', why: 'resize-under-way' }],
  ['deferred for too long', pending('Deferred'), { resizingFor: 5 * MINUTE + 1 }, { do: 'evict', why: 'resize-stuck' }],
  ['deferred for too long, but one is missing', pending('Deferred'), { resizingFor: HOUR, group: oneMissing() }, { do: 'nothing', why: 'resize-under-way' }],
  ['in progress', inProgress, { resizingFor: HOUR }, { do: 'nothing', why: 'resize-under-way' }],
  ['in progress for too long', inProgress, { resizingFor: HOUR + 1 }, { do: 'evict', why: 'resize-stuck' }],
  ['infeasible', pending('Infeasible'), {}, { do: 'evict', why: 'resize-stuck' }],
  ['failed', failed, {}, { do: 'evict', why: 'resize-stuck' }],
  ['pending', { phase: 'Pending' }, {}, { do: 'nothing', why: 'pending' }],
  ['without a group', {}, { group: undefined }, { do: 'nothing', why: 'no-group' }],
])('InPlaceOrRecreate: %s', ([, pod, facts, expected]) => {
  expect(decide('InPlaceOrRecreate', pod, facts)).toEqual(expected)
})

const refused = (cpu: string) => ({ infeasible: recommendationWith({ app: { target: { cpu } } }) })

test.for<[string, PodFacts, Partial<ResizeFacts>, object]>([
  ['one is missing', {}, { group: oneMissing() }, { do: 'resize', why: 'never-evicts' }],
  [
    'one is missing, and a resize restarts the container',
    { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] },
    { group: oneMissing() },
    { do: 'nothing', why: 'budget-spent' },
  ],
  ['in progress for days', inProgress, { resizingFor: 99 * HOUR }, { do: 'resize', why: 'never-evicts' }],
  ['failed', failed, {}, { do: 'resize', why: 'never-evicts' }],
  ['infeasible', pending('Infeasible'), {}, { do: 'resize', why: 'infeasible' }],
  ['infeasible before, and no less is wanted now', {}, refused('2'), { do: 'nothing', why: 'infeasible-before' }],
  ['infeasible before, and less is wanted now', {}, refused('3'), { do: 'resize', why: 'granted' }],
])('InPlace never evicts: %s', ([, pod, facts, expected]) => {
  expect(decide('InPlace', pod, facts)).toEqual(expected)
})

test('a pod that is being resized is evicted only when the resize is stuck', () => {
  expect(evictionPermission(podWith(inProgress), all(), MINUTE)).toBe('resize-under-way')
  expect(evictionPermission(podWith(inProgress), all(), 2 * HOUR)).toBe('granted')
  expect(evictionPermission(podWith(pending('Infeasible')), oneMissing(), 0)).toBe('budget-spent')
})

test('each resize is measured from its own start', () => {
  const times = new ResizeTimes()
  times.observe([podWith(inProgress)], 0)
  times.observe([podWith(inProgress)], HOUR)
  expect(times.elapsed(podWith(inProgress), HOUR)).toBe(HOUR)
  times.observe([podWith()], 2 * HOUR)
  times.observe([podWith(inProgress)], 3 * HOUR)
  expect(times.elapsed(podWith(inProgress), 3 * HOUR)).toBe(0)
})

const restarts: PodFacts = { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }

test.for<[string, PodFacts, number, boolean]>([
  ['in progress, with a restart', { ...restarts, ...inProgress }, HOUR, true],
  ['in progress for so long that it is to be evicted', { ...restarts, ...inProgress }, HOUR + 1, false],
  ['in progress, without a restart', inProgress, MINUTE, false],
  ['put off', { ...restarts, ...pending('Deferred') }, MINUTE, false],
  ['over', restarts, MINUTE, false],
])('a pod whose resize is %s: whether its group must do without it for now', ([, facts, elapsed, expected]) => {
  expect(isRestartingForResize(podWith(facts), elapsed)).toBe(expected)
})
