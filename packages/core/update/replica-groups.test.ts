import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import type { ObjectRef, WorkloadAnswer } from '../target/workload.ts'
import { ReplicaGroup } from './replica-group.ts'
import { type GroupOptions, replicaGroups } from './replica-groups.ts'

const defaults: GroupOptions = { minReplicas: 2, evictionTolerance: 0.5, inPlaceSkipDisruptionBudget: false }

interface Case {
  readonly pods: number
  readonly pending?: number
  readonly configured?: number
  readonly owner?: string
  readonly tolerance?: number
  readonly minReplicas?: number
  readonly perVpaMinReplicas?: number
  readonly boosted?: boolean
}

/** None is. */
const resizingFor = () => 0

/** How many of the pods may be evicted in one loop. */
function evictions({ pods: count, pending = 0, configured = count, owner = 'ReplicaSet/web', tolerance = 0.5, minReplicas = 2, perVpaMinReplicas, boosted = false }: Case) {
  const annotations = boosted ? { 'vpaCpuStartupBoost/app': '{}' } : {}
  const pods = Array.from({ length: count }, (_, index) => podWith({ name: `pod-${index}`, owner, annotations, phase: index < pending ? 'Pending' : 'Running' }))
  const lookup = (namespace: string, ref: ObjectRef): WorkloadAnswer =>
    ref.kind === 'Custom' ? { failed: 'not asked yet' } : { found: { ...ref, namespace, owners: [], replicas: configured } }
  const vpa = vpaWith({ updatePolicy: { updateMode: 'Recreate', minReplicas: perVpaMinReplicas } })
  let evicted = 0
  for (const formed of replicaGroups(pods, { vpa, workload: lookup, options: { ...defaults, evictionTolerance: tolerance, minReplicas }, resizingFor })) {
    if (!('group' in formed)) continue
    for (const pod of formed.pods) {
      if (formed.group.eviction(pod) !== 'granted') continue
      formed.group.recordEviction(pod)
      evicted += 1
    }
  }
  return evicted
}

// Most rows are from upstream's pods_eviction_restriction_test.go.
test.for<[string, Case, number]>([
  ['five, four fifths tolerated', { pods: 5, tolerance: 0.8 }, 4],
  ['five, a tenth tolerated: still one at a time', { pods: 5, tolerance: 0.1 }, 1],
  ['five of at least ten', { pods: 5, minReplicas: 10 }, 0],
  ['three', { pods: 3 }, 1],
  ['four', { pods: 4 }, 2],
  ['three of four', { pods: 3, configured: 4 }, 1],
  ['two of three, a tenth tolerated', { pods: 2, configured: 3, tolerance: 0.1 }, 0],
  ['three, all tolerated', { pods: 3, tolerance: 1 }, 3],
  ['a single one', { pods: 1 }, 0],
  ['a single one, where one is enough', { pods: 1, perVpaMinReplicas: 1 }, 1],
  ['a single one that is boosted', { pods: 1, boosted: true }, 1],
  ['pending ones always, and they are not there to spare', { pods: 4, pending: 2 }, 2],
  ['a Job counts the pods it has', { pods: 4, configured: 0, owner: 'Job/batch' }, 2],
  ['so does a controller that does not say how many it wants', { pods: 6, owner: 'Custom/thing' }, 3],
  ['none when a well-known controller wants none', { pods: 4, configured: 0 }, 0],
])('evictions in one loop: %s', ([, group, expected]) => {
  expect(evictions(group)).toBe(expected)
})

const wantsOne = (namespace: string, ref: ObjectRef): WorkloadAnswer => ({ found: { ...ref, namespace, owners: [], replicas: 1 } })
const missing = (): WorkloadAnswer => ({ missing: 'not-found', message: 'ReplicaSet default/web does not exist' })

test('below the minimum nothing is evicted, but may be resized where that disrupts nothing', () => {
  const vpa = vpaWith({ updatePolicy: { updateMode: 'InPlaceOrRecreate' } })
  const [formed] = replicaGroups([podWith()], { vpa, workload: wantsOne, options: { ...defaults, inPlaceSkipDisruptionBudget: true }, resizingFor })
  expect(formed && 'group' in formed && formed.group.eviction(podWith())).toBe('group-too-small')
})

test('why a group is left alone', () => {
  expect(replicaGroups([podWith()], { vpa: vpaWith(), workload: missing, options: defaults, resizingFor })).toMatchObject([{ why: 'group-too-small' }])
  expect(replicaGroups([podWith(), podWith()], { vpa: vpaWith(), workload: missing, options: defaults, resizingFor })).toMatchObject([
    { why: 'unknown-replicas', message: 'ReplicaSet default/web does not exist' },
  ])
})

test('whatever is asked in whatever order, the tolerated share is never exceeded', () => {
  const actions = fc.array(fc.constantFrom('evict', 'resize', 'evict-pending'))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 50 }), fc.double({ min: 0, max: 1, noNaN: true }), actions, (configured, running, tolerance, actions) => {
      const group = new ReplicaGroup({ configured, running, tolerance })
      let left = running
      for (const action of actions) {
        const pod = podWith({ phase: action === 'evict-pending' ? 'Pending' : 'Running' })
        const granted = action === 'resize' ? group.resizing() === 'granted' : group.eviction(pod) === 'granted'
        if (!granted || action === 'evict-pending') continue
        left -= 1
        if (action === 'resize') group.recordResize()
        else group.recordEviction(pod)
      }
      const least = Math.min(running, configured - Math.max(1, Math.trunc(configured * tolerance)))
      expect(left).toBeGreaterThanOrEqual(least)
    }),
  )
})
