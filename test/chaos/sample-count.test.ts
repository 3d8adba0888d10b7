import type { CheckpointStatus } from '@vpa/core/api/checkpoint.ts'
import { Aggregate } from '@vpa/core/history/aggregate.ts'
import { CPU_BUCKETS } from '@vpa/core/history/buckets.ts'
import { saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { DAY, SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { compareSamples, countBy, samplesBetween } from './sample-count.ts'
import { steadyMillicores } from './sandbox-cluster.ts'

const BEGIN = Date.UTC(2026, 2, 1, 17)
const times = Array.from({ length: 600 }, (_, index) => BEGIN + index * 2 * SECOND)
const LAST_TWENTY = times.slice(-20)
const bucketOf = (at: number) => CPU_BUCKETS.indexOf(steadyMillicores(at) / 1000)

function checkpointOf(counted: readonly number[]): CheckpointStatus {
  const usage = new Aggregate({ cpu: DAY, memory: DAY })
  for (const at of counted) usage.addCpu(steadyMillicores(at), at)
  return saveCheckpoint(usage, times.at(-1)!)
}

/** After 580 samples that were counted well. */
function audit(counted: readonly number[], unreadable: readonly number[] = []) {
  const before = times.slice(0, -20)
  return compareSamples(countBy(LAST_TWENTY, bucketOf), countBy(unreadable, bucketOf), samplesBetween(checkpointOf(before), checkpointOf([...before, ...counted]), LAST_TWENTY[0]!))
}

test('what was counted once each is neither lost nor counted twice', () => {
  expect(audit(LAST_TWENTY)).toEqual({ lost: 0, lostThoughReadable: 0, countedTwice: 0 })
})

test('one sample lost and another counted twice do not cancel out', () => {
  expect(audit([...LAST_TWENTY.slice(0, -1), LAST_TWENTY[0]!])).toEqual({ lost: 1, lostThoughReadable: 1, countedTwice: 1 })
})

test('what could not be read may be lost; what could be read may not, in its place', () => {
  const [first, second] = LAST_TWENTY
  expect(audit(LAST_TWENTY.slice(1), [first!])).toEqual({ lost: 1, lostThoughReadable: 0, countedTwice: 0 })
  expect(audit(LAST_TWENTY.slice(1), [second!])).toEqual({ lost: 1, lostThoughReadable: 1, countedTwice: 0 })
})
