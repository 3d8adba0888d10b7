import { expect, test } from 'vitest'
import { projectVpa } from '../api/vpa.ts'
import { Aggregate } from '../history/aggregate.ts'
import { DAY, MINUTE } from '../time.ts'
import { lowConfidence } from './low-confidence.ts'

function usage(samples: number): Aggregate {
  const aggregate = new Aggregate({ cpu: DAY, memory: DAY })
  for (let minute = 0; minute < samples; minute += 1) aggregate.addCpu(100, minute * MINUTE)
  return aggregate
}

test.for<[string, Record<string, number>, number, string | undefined]>([
  ['all containers have been seen', { app: 1, log: 5 }, 0, undefined],
  ['nothing is known at all', {}, 0, undefined],
  ['one has not been seen', { app: 1, log: 0 }, 0, 'NoSamples: No CPU usage has been seen yet of log: the recommendation is the least that a pod gets, not what it needs.'],
  ['one that is Off has not been seen', { app: 1, off: 0 }, 0, undefined],
  ['some have too few samples', { log: 0, app: 9, web: 10 }, 10, 'TooFewSamples: Nothing is recommended for a container with fewer than 10 samples of CPU usage: app has 9, log has 0.'],
  ['all have enough', { app: 10 }, 10, undefined],
])('%s', ([, counts, minSamples, expected]) => {
  const policies = projectVpa({ spec: { resourcePolicy: { containerPolicies: [{ containerName: 'off', mode: 'Off' }] } } }).spec.resourcePolicy?.containerPolicies
  const explanation = lowConfidence(new Map(Object.entries(counts).map(([name, count]) => [name, usage(count)])), policies, minSamples)
  expect(explanation && `${explanation.reason}: ${explanation.message}`).toBe(expected)
})
