import { describe, expect, test } from 'vitest'
import { type ContainerAmounts, type Recommended, limitRangeOf, podOf, vpaOf } from '../../../test/support/new-pods.ts'
import { effectiveLimits } from '../policy/limit-range.ts'
import { quantity } from '../quantity.ts'
import { type PatchInput, podPatch } from './patch.ts'

const OFF: PatchInput['startupBoost'] = { enabled: false, maxAllowed: undefined }
const ON: PatchInput['startupBoost'] = { enabled: true, maxAllowed: undefined }
const NO_LIMITS = { containerLimits: undefined, podLimits: undefined }
const KONG = { requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '200m', memory: '300Mi' } }

const factor = (value: number) => ({ startupBoost: { cpu: { type: 'Factor', factor: value, durationSeconds: 60 } } })
const plus = (amount: string) => ({ startupBoost: { cpu: { type: 'Quantity', quantity: amount } } })
const only = (extra: object) => ({ ...extra, resourcePolicy: { containerPolicies: [{ containerName: 'app', controlledValues: 'RequestsOnly' }] } })
const recommended = (cpu: string): Record<string, Recommended> => ({ app: { target: { cpu } } })

/** One operation a line. */
function patchText(input: PatchInput): string {
  const answer = podPatch(input)
  if ('failed' in answer) return `failed: ${answer.failed}`
  return answer.patch.map(({ op, path, value }) => `${op} ${path} ${typeof value === 'string' ? value : JSON.stringify(value)}`).join('\n')
}

describe('what is patched', () => {
  test('requests as recommended, limits in proportion, and what was done', () => {
    const vpa = vpaOf({ proxy: { target: { cpu: '548m', memory: '548861636' } } })
    expect(patchText({ vpa, pod: podOf({ proxy: KONG }, { annotations: { a: 'b' } }), ...NO_LIMITS, startupBoost: OFF })).toMatchInlineSnapshot(`
      "add /spec/containers/0/resources/requests/cpu 548m
      add /spec/containers/0/resources/requests/memory 548861636
      add /spec/containers/0/resources/limits/cpu 1096m
      add /spec/containers/0/resources/limits/memory 823292454
      add /metadata/annotations/vpaUpdates Pod resources updated by vpa: container 0: cpu request, memory request, cpu limit, memory limit
      add /metadata/annotations/vpaObservedContainers proxy"
    `)
  })

  test('maps that are missing are added first, names are escaped', () => {
    const vpa = vpaOf({ app: { target: { cpu: '200m', 'example.com/foo~bar': '1' } } })
    expect(patchText({ vpa, pod: podOf({ app: {}, sidecar: { requests: { cpu: '1' } } }), ...NO_LIMITS, startupBoost: OFF })).toMatchInlineSnapshot(`
      "add /metadata/annotations {}
      add /spec/containers/0/resources {}
      add /spec/containers/0/resources/requests {}
      add /spec/containers/0/resources/requests/cpu 200m
      add /spec/containers/0/resources/requests/example.com~1foo~0bar 1
      add /metadata/annotations/vpaUpdates Pod resources updated by vpa: container 0: cpu request, example.com/foo~bar request
      add /metadata/annotations/vpaObservedContainers app, sidecar"
    `)
  })

  test('why an amount is another than recommended', () => {
    const ranges = [limitRangeOf('limits', { type: 'Container', max: { memory: '100Mi' } })]
    const vpa = vpaOf({ app: { target: { cpu: '10m', memory: '1Gi' } } }, { resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '50m' }, controlledValues: 'RequestsOnly' }] } })
    const pod = podOf({ app: { requests: { memory: '50Mi' }, limits: { memory: '50Mi' } } }, { annotations: {} })
    expect(patchText({ vpa, pod, containerLimits: effectiveLimits(ranges, 'Container'), podLimits: undefined, startupBoost: OFF })).toMatchInlineSnapshot(`
      "add /spec/containers/0/resources/requests/cpu 50m
      add /spec/containers/0/resources/requests/memory 50Mi
      add /metadata/annotations/vpaUpdates Pod resources updated by vpa: container 0: memory capped to fit Max in container LimitRange, cpu capped to minAllowed, memory capped to container limit, cpu request, memory request
      add /metadata/annotations/vpaObservedContainers app"
    `)
  })

  test.for([
    ['no recommendation yet', vpaOf()],
    ['mode Off', vpaOf({ app: { target: { cpu: '1' } } }, { updatePolicy: { updateMode: 'Off' } })],
    ['an empty target', vpaOf({ app: { target: {} } })],
  ] as const)('only the annotation that names the containers: %s', ([, vpa]) => {
    const pod = podOf({ app: { requests: { cpu: '100m' } } }, { annotations: {} })
    expect(patchText({ vpa, pod, ...NO_LIMITS, startupBoost: OFF })).toBe('add /metadata/annotations/vpaObservedContainers app')
  })
})

// Upstream: resource_updates_test.go, and its e2e tests.
describe('CPU startup boost', () => {
  test.for<[string, object, Record<string, Recommended> | undefined, ContainerAmounts, string]>([
    ['a multiple of what is recommended', factor(2), recommended('100m'), { requests: { cpu: '1m' }, limits: { cpu: '1m' } }, '200m of 200m'],
    ['of what is requested, without a recommendation', factor(2), undefined, { requests: { cpu: '100m' }, limits: { cpu: '100m' } }, '200m of 200m'],
    ['the limit keeps its ratio', factor(2), recommended('150m'), { requests: { cpu: '100m' }, limits: { cpu: '300m' } }, '300m of 900m'],
    ['no limit is added', factor(2), recommended('150m'), { requests: { cpu: '100m' } }, '300m of none'],
    ['below a limit that stays', only(factor(2)), recommended('100m'), { requests: { cpu: '100m' }, limits: { cpu: '150m' } }, '149m of none'],
    ['a quantity is added', plus('200m'), recommended('500m'), { requests: { cpu: '100m' } }, '700m of none'],
    ['also where only the start is boosted', { ...factor(2), updatePolicy: { updateMode: 'Off' } }, recommended('300m'), { requests: { cpu: '100m' } }, '200m of none'],
    ['not with a container policy of mode Off', { ...factor(2), resourcePolicy: { containerPolicies: [{ containerName: 'app', mode: 'Off' }] } }, undefined, { requests: { cpu: '100m' } }, 'none of none'],
    ['without cpu it is none', { startupBoost: {} }, recommended('200m'), { requests: { cpu: '100m' } }, '200m of none'],
    ['a factor below one is a mistake', factor(0), recommended('100m'), {}, 'failed: boost factor must be >= 1'],
    ['so is a type that nobody knows', { startupBoost: { cpu: { type: 'Bogus' } } }, recommended('100m'), {}, 'failed: unsupported startup boost type: Bogus'],
  ])('%s', ([, spec, targets, app, expected]) => {
    const text = patchText({ vpa: vpaOf(targets, spec), pod: podOf({ app }), ...NO_LIMITS, startupBoost: ON })
    const cpu = (kind: string) => new RegExp(`/resources/${kind}/cpu (.*)`).exec(text)?.[1] ?? 'none'
    expect(text.startsWith('failed') ? text : `${cpu('requests')} of ${cpu('limits')}`).toBe(expected)
  })

  test('never above the maximum, and what the container had is kept', () => {
    const pod = podOf({ app: { requests: { cpu: '20m', memory: '1Gi' }, limits: { cpu: '20m' } } }, { annotations: {} })
    const input = { vpa: vpaOf({ app: { target: { cpu: '20m' } } }, factor(3)), pod, ...NO_LIMITS }
    expect(patchText({ ...input, startupBoost: { enabled: true, maxAllowed: quantity('40m') } })).toMatchInlineSnapshot(`
      "add /metadata/annotations/vpaCpuStartupBoost~1app {"requests":{"cpu":"20m","memory":"1Gi"},"limits":{"cpu":"20m"}}
      add /spec/containers/0/resources/requests/cpu 40m
      add /spec/containers/0/resources/limits/cpu 40m
      add /metadata/annotations/vpaUpdates Pod resources updated by vpa: container 0: memory: limit NOT set since originalLimit is nil or 0, cpu request, cpu limit
      add /metadata/annotations/vpaObservedContainers app"
    `)
  })
})
