import { array, assert, integer, option, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Amounts, type ContainerAmounts, limitRangeOf, podOf, vpaOf } from '../../../test/support/new-pods.ts'
import { resourceListJson } from '../api/vpa.ts'
import { type Quantity, milliValue, quantity } from '../quantity.ts'
import { type CapInput, capToPod } from './cap-to-pod.ts'
import { effectiveLimits } from './limit-range.ts'
import { proportionalLimit } from './proportional-limit.ts'

interface Case {
  readonly containers: Readonly<Record<string, ContainerAmounts>>
  readonly targets: Readonly<Record<string, Amounts>>
  readonly policies?: readonly object[]
  readonly container?: object
  readonly pod?: object
}

function inputOf({ containers, targets, policies, container, pod }: Case): CapInput {
  const ranges = [limitRangeOf('limits', ...(container ? [{ type: 'Container', ...container }] : []), ...(pod ? [{ type: 'Pod', ...pod }] : []))]
  const recommended = Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, { target, lowerBound: target, upperBound: target }]))
  return {
    vpa: vpaOf(recommended, policies && { resourcePolicy: { containerPolicies: policies } }),
    pod: podOf(containers),
    containerLimits: effectiveLimits(ranges, 'Container'),
    podLimits: effectiveLimits(ranges, 'Pod'),
  }
}

function targetsOf(input: CapInput): Record<string, Amounts> {
  return Object.fromEntries((capToPod(input)?.recommendation ?? []).map(({ containerName, target = {} }) => [containerName, resourceListJson(target)]))
}

const equal = (requests: Amounts) => ({ requests, limits: requests })

// Upstream: capping_test.go, and admission_controller.go of its e2e tests.
describe('one container', () => {
  test.for([
    ['as recommended where nothing speaks against it', {}, { cpu: '2', memory: '200M' }, []],
    ['raised to minAllowed', { policies: [{ containerName: 'app', minAllowed: { cpu: '3' } }] }, { cpu: '3', memory: '200M' }, ['cpu capped to minAllowed']],
    ['lowered to maxAllowed', { policies: [{ containerName: '*', maxAllowed: { memory: '100M' } }] }, { cpu: '2', memory: '100M' }, ['memory capped to maxAllowed']],
    ['where minAllowed is above maxAllowed, the latter wins', { policies: [{ containerName: 'app', minAllowed: { cpu: '4' }, maxAllowed: { cpu: '3' } }] }, { cpu: '3', memory: '200M' }, ['cpu capped to minAllowed', 'cpu capped to maxAllowed']],
    ['within the LimitRange', { container: { max: { cpu: '1' }, min: { memory: '500M' } } }, { cpu: '1', memory: '500M' }, ['cpu capped to fit Max in container LimitRange', 'memory capped to fit Min in container LimitRange']],
    ['the policy wins over the LimitRange', { container: { max: { cpu: '1' } }, policies: [{ containerName: 'app', minAllowed: { cpu: '4' } }] }, { cpu: '4', memory: '200M' }, ['cpu capped to fit Max in container LimitRange', 'cpu capped to minAllowed']],
    ['not above a limit that stays', { policies: [{ containerName: 'app', controlledValues: 'RequestsOnly' }] }, { cpu: '1', memory: '200M' }, ['cpu capped to container limit']],
  ] as const)('%s', ([, change, target, notes]) => {
    const input = inputOf({ containers: { app: equal({ cpu: '1', memory: '1G' }) }, targets: { app: { cpu: '2', memory: '200M' } }, ...change })
    expect(targetsOf(input)).toEqual({ app: target })
    expect(capToPod(input)?.notes.get('app') ?? []).toEqual(notes)
  })

  test('a VPA with neither recommendation nor policy has no result; with a policy it has an empty one', () => {
    const pod = podOf({ app: {} })
    const without = { pod, containerLimits: undefined, podLimits: undefined }
    expect(capToPod({ ...without, vpa: vpaOf() })).toBeUndefined()
    expect(capToPod({ ...without, vpa: vpaOf(undefined, { resourcePolicy: {} }) })?.recommendation).toEqual([])
  })

  test('what a pod does not have is left out', () => {
    expect(targetsOf(inputOf({ containers: { app: {} }, targets: { app: { cpu: '1' }, gone: { cpu: '1' } } }))).toEqual({ app: { cpu: '1' } })
  })
})

describe('a LimitRange for whole pods', () => {
  test.for([
    ['max is shared out', { a: equal({ cpu: '1' }), b: equal({ cpu: '1' }) }, { a: { cpu: '1' }, b: { cpu: '1' } }, { max: { cpu: '1' } }, { a: { cpu: '500m' }, b: { cpu: '500m' } }],
    ['millicores are rounded up on the way up', { a: equal({ cpu: '1' }), b: equal({ cpu: '1' }) }, { a: { cpu: '15m' }, b: { cpu: '100m' } }, { min: { cpu: '150m' } }, { a: { cpu: '20m' }, b: { cpu: '131m' } }],
    ['and down on the way down', { a: equal({ cpu: '1' }), b: equal({ cpu: '1' }) }, { a: { cpu: '15m' }, b: { cpu: '100m' } }, { max: { cpu: '90m' } }, { a: { cpu: '11m' }, b: { cpu: '78m' } }],
    ['bytes are always rounded down', { a: equal({ memory: '1G' }), b: equal({ memory: '1G' }) }, { a: { memory: '1Gi' }, b: { memory: '2Gi' } }, { min: { memory: '4Gi' } }, { a: { memory: '1431655765' }, b: { memory: '2863311530' } }],
    ['a container without recommendation takes part with its requests', { a: equal({ cpu: '400m' }), b: equal({ cpu: '400m' }) }, { a: { cpu: '400m' } }, { max: { cpu: '400m' } }, { a: { cpu: '200m' }, b: { cpu: '200m' } }],
    ['limits are what counts', { a: { requests: { cpu: '100m' }, limits: { cpu: '150m' } }, b: { requests: { cpu: '100m' }, limits: { cpu: '150m' } } }, { a: { cpu: '250m' }, b: { cpu: '250m' } }, { max: { cpu: '600m' } }, { a: { cpu: '200m' }, b: { cpu: '200m' } }],
    ['requests below min come first, then limits above max', { a: equal({ cpu: '1' }) }, { a: { cpu: '2' } }, { min: { cpu: '4' }, max: { cpu: '1' } }, { a: { cpu: '4' } }],
    ['a pod without limits is left alone', { a: { requests: { cpu: '1' } } }, { a: { cpu: '2' } }, { max: { cpu: '1' } }, { a: { cpu: '2' } }],
    ['nothing is written that was not recommended', { a: equal({ cpu: '1', memory: '1G' }), b: equal({ cpu: '1', memory: '1G' }) }, { a: { cpu: '100m' }, b: { cpu: '100m', memory: '2G' } }, { max: { memory: '1G' } }, { a: { cpu: '100m' }, b: { cpu: '100m', memory: '1G' } }],
  ] as const)('%s', ([, containers, targets, pod, expected]) => {
    expect(targetsOf(inputOf({ containers, targets, pod }))).toEqual(expected)
  })

  test('a container in mode Off keeps what it has, and the others share what is left', () => {
    const input = inputOf({
      containers: { app: equal({ cpu: '1' }), sidecar: equal({ cpu: '1' }) },
      targets: { app: { cpu: '2' } },
      policies: [{ containerName: 'sidecar', mode: 'Off' }],
      pod: { max: { cpu: '2' } },
    })
    expect(targetsOf(input)).toEqual({ app: { cpu: '1' } })
  })

  test('containers without bounds and without requests do no harm', () => {
    const limits = effectiveLimits([limitRangeOf('limits', { type: 'Pod', max: { cpu: '400m', memory: '1Gi' } })], 'Pod')
    const pod = podOf({ app: equal({ cpu: '400m', memory: '600Mi' }), plain: equal({ cpu: '400m', memory: '600Mi' }), empty: {} })
    const vpa = vpaOf({ app: { target: { cpu: '400m', memory: '600Mi' }, upperBound: { cpu: '500m', memory: '2Gi' } } })
    const capped = capToPod({ vpa, pod, containerLimits: undefined, podLimits: limits })?.recommendation ?? []
    expect(capped.map(({ containerName, target = {} }) => [containerName, resourceListJson(target)])).toEqual([
      ['app', { cpu: '200m', memory: '512Mi' }],
      ['plain', { cpu: '200m', memory: '512Mi' }],
    ])
  })
})

const list = (value: number | undefined) => (value === undefined ? {} : { cpu: `${value}m` })
const total = (amounts: readonly (Quantity | undefined)[]) => amounts.reduce((sum, amount) => sum + Number(amount ? milliValue(amount) : 0n), 0)

describe('for any amounts', () => {
  const millis = integer({ min: 1, max: 10_000 })

  test('a target is within the policy; where that contradicts itself, not above maxAllowed', () => {
    const bound = option(millis, { nil: undefined })
    assert(
      property(millis, bound, bound, (target, min, max) => {
        const policies = [{ containerName: 'app', minAllowed: list(min), maxAllowed: list(max) }]
        const capped = capToPod(inputOf({ containers: { app: {} }, targets: { app: list(target) }, policies }))?.recommendation[0]?.target?.cpu
        expect(total([capped])).toBe(Math.min(Math.max(target, min ?? 0), max ?? Infinity))
      }),
    )
  })

  test("a pod's limits do not exceed the max of its LimitRange", () => {
    const container = record({ request: millis, ratio: integer({ min: 1, max: 4 }), target: millis })
    assert(
      property(array(container, { minLength: 1, maxLength: 4 }), millis, (generated, max) => {
        const named = generated.map((amounts, index) => ({ name: `c${index}`, ...amounts }))
        const containers = Object.fromEntries(named.map(({ name, request, ratio }) => [name, { requests: list(request), limits: list(request * ratio) }]))
        const input = inputOf({ containers, targets: Object.fromEntries(named.map(({ name, target }) => [name, list(target)])), pod: { max: list(max) } })
        const requests = (capToPod(input)?.recommendation ?? []).map(({ target }) => target?.cpu)
        const limits = named.map(({ request, ratio }, index) => proportionalLimit('cpu', { request: quantity(`${request}m`), limit: quantity(`${request * ratio}m`), defaultLimit: undefined }, requests[index]).limit)
        expect(total(limits)).toBeLessThanOrEqual(max)
      }),
    )
  })
})
