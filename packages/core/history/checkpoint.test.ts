import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CheckpointStatus, checkpointStatusJson } from '../api/checkpoint.ts'
import { DAY, SECOND } from '../time.ts'
import { Aggregate } from './aggregate.ts'
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts'

const T = Date.UTC(2026, 2, 1)
const HALF_LIVES = { cpu: DAY, memory: DAY }

test('a checkpoint as it is written', () => {
  const aggregate = new Aggregate(HALF_LIVES)
  aggregate.addCpu(1000, T)
  aggregate.addMemoryPeak(1e9, T + DAY)
  expect(checkpointStatusJson(saveCheckpoint(aggregate, T + 60 * SECOND))).toMatchInlineSnapshot(`
    {
      "cpuHistogram": {
        "bucketWeights": {
          "36": 10000,
        },
        "referenceTimestamp": "2026-03-01T00:00:00Z",
        "totalWeight": 0.1,
      },
      "firstSampleStart": "2026-03-01T00:00:00Z",
      "lastSampleStart": "2026-03-01T00:00:00Z",
      "lastUpdateTime": "2026-03-01T00:01:00Z",
      "memoryHistogram": {
        "bucketWeights": {
          "36": 10000,
        },
        "referenceTimestamp": "2026-03-02T00:00:00Z",
        "totalWeight": 1,
      },
      "totalSamplesCount": 1,
      "version": "v3",
    }
  `)
})

test('saved again after a restart it is the same', () => {
  const samples = fc.array(fc.record({ millicores: fc.integer({ min: 0, max: 100_000 }), second: fc.integer({ min: 0, max: 700_000 }) }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(samples, (list) => {
      const aggregate = new Aggregate(HALF_LIVES)
      for (const { millicores, second } of list) aggregate.addCpu(millicores, T + second * SECOND)
      const written = checkpointStatusJson(saveCheckpoint(aggregate, T))
      const loaded = loadCheckpoint(CheckpointStatus.parse(written), HALF_LIVES)
      expect(checkpointStatusJson(saveCheckpoint(loaded, T))).toEqual(written)
    }),
  )
})

test.for([
  ['another version', { version: 'v2' }, 'unsupported checkpoint version v2'],
  ['no version', {}, 'unsupported checkpoint version '],
  ['no histograms', { version: 'v3' }, 'cannot load from empty checkpoint'],
  ['bucket 176', { version: 'v3', memoryHistogram: { bucketWeights: { 176: 1 }, totalWeight: 1 } }, 'checkpoint has bucket 176 that is exceeding histogram buckets 176'],
] as const)('%s is refused', ([, status, message]) => {
  expect(() => loadCheckpoint(CheckpointStatus.parse(status), HALF_LIVES)).toThrow(message)
})
