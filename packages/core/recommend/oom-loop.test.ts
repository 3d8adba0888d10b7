import { expect, test } from 'vitest'
import { projectVpa } from '../api/vpa.ts'
import { Aggregate } from '../history/aggregate.ts'
import { ContainerHistory } from '../history/container.ts'
import { wholeValue } from '../quantity.ts'
import { DAY, MINUTE } from '../time.ts'
import { postProcess } from './post-process.ts'
import { recommend } from './recommendation.ts'

const MB = 2 ** 20
const GB = 2 ** 30
const AGGREGATION = { memoryInterval: DAY, memoryIntervalCount: 8, oomBumpUpRatio: 1.2, oomMinBumpUp: 100 * MB }
const estimate = { targetPercentile: 0.9, lowerBoundPercentile: 0.5, upperBoundPercentile: 0.95, confidenceInterval: DAY, marginFraction: 0.15 }
const OPTIONS = { estimates: { cpu: estimate, memory: estimate }, podMinimum: { cpu: 25, memory: 250 * MB }, rounding: { cpuMillicores: 1, memoryBytes: 1, humanizeMemory: false }, minSamples: 0 }

/**
 * A container that is killed every 10 minutes for as many days, because it wants more than its VPA allows. It gets what is recommended
 * as request and limit at once, and uses all of it before it is killed.
 *
 * @returns the highest uncapped target, in bytes
 */
function highestUncapped(maxAllowed: number, days: number): number {
  const vpa = projectVpa({ spec: { resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { memory: `${maxAllowed}` } }] } } })
  const aggregate = new Aggregate({ cpu: DAY, memory: DAY })
  let requested = 300 * MB
  let highest = 0
  for (let at = 0; at < days * DAY; at += 10 * MINUTE) {
    // A new container each time: nothing of it is remembered but what the aggregate has.
    const container = new ContainerHistory()
    container.addMemory(aggregate, { bytes: requested, at }, AGGREGATION)
    container.recordOom(aggregate, { requested, at: at + MINUTE }, AGGREGATION)
    const [recommended] = postProcess(recommend(new Map([['app', aggregate]]), undefined, OPTIONS), vpa, { integerCpu: false, globalMaxAllowed: {} })
    requested = Number(wholeValue(recommended!.target!.memory!))
    highest = Math.max(highest, Number(wholeValue(recommended!.uncappedTarget!.memory!)))
  }
  return highest
}

/** Killed at most at maxAllowed, it is taken to need 1.2 times as much; its bucket adds up to 5 %, the margin 15 %: 1.449 times. */
test.for([1, 2, 8])('OOMs under maxAllowed of %i GiB do not raise uncappedTarget without end (kubernetes/autoscaler#9521)', (gibibytes) => {
  const maxAllowed = gibibytes * GB
  const [soon, late] = [highestUncapped(maxAllowed, 1), highestUncapped(maxAllowed, 14)]
  expect(late).toBe(soon)
  expect(late).toBeGreaterThan(1.2 * maxAllowed)
  expect(late).toBeLessThan(1.2 * 1.05 * 1.15 * maxAllowed)
})
