import { expect, test } from 'vitest'
import { type Amounts, limitRangeOf, podOf, vpaOf } from '../../../test/support/new-pods.ts'
import { effectiveLimits } from '../policy/limit-range.ts'
import { describeMismatches, judgeReplacement } from './replacement.ts'

interface Case {
  readonly requests?: Amounts
  readonly limits?: Amounts
  readonly annotations?: Readonly<Record<string, string>>
  /** Targets of CPU: when the other pod was evicted, and now. */
  readonly targets?: readonly string[]
  readonly range?: readonly [string, string]
  readonly spec?: object
  readonly limitRange?: object
}

function judge({ requests = {}, limits, annotations, targets = ['500m'], range, spec, limitRange }: Case) {
  const vpas = targets.map((cpu) => vpaOf({ app: { target: { cpu }, ...(range && { lowerBound: { cpu: range[0] }, upperBound: { cpu: range[1] } }) } }, spec))
  const pod = podOf({ app: { requests, ...(limits && { limits }) } }, { annotations })
  const ranges = limitRange ? [limitRangeOf('limits', { type: 'Container', ...limitRange })] : []
  return judgeReplacement({ vpas, pod, containerLimits: effectiveLimits(ranges, 'Container'), podLimits: undefined })
}

const marked = { vpaUpdates: 'Pod resources updated by vpa: container 0: cpu request' }
const ofOther = { vpaUpdates: 'Pod resources updated by vpa-2: container 0: cpu request' }

test.for<[string, Case, string]>([
  ['what is recommended', { requests: { cpu: '500m' } }, 'applied'],
  ['what was recommended when the other was evicted', { requests: { cpu: '400m' }, targets: ['400m', '500m'] }, 'applied'],
  ['what was recommended in between', { requests: { cpu: '450m' }, targets: ['400m', '500m'] }, 'applied'],
  ['what it had before', { requests: { cpu: '100m' } }, 'not-admitted'],
  ['no request at all', {}, 'not-admitted'],
  ['what it had before, and the mark of another VPA', { requests: { cpu: '100m' }, annotations: ofOther }, 'not-admitted'],
  ['something else, although our webhook was there', { requests: { cpu: '100m' }, annotations: marked, range: ['400m', '600m'] }, 'overwritten'],
  ['something else within the range, and our webhook was there', { requests: { cpu: '450m' }, annotations: marked, range: ['400m', '600m'] }, 'applied'],
  ['something else within the range, and nobody was there', { requests: { cpu: '450m' }, range: ['400m', '600m'] }, 'not-admitted'],
  ['what its policy caps', { requests: { cpu: '300m' }, spec: { resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '300m' } }] } } }, 'applied'],
  ['what a LimitRange caps', { requests: { cpu: '333m' }, limits: { cpu: '1' }, limitRange: { max: { cpu: '1' } } }, 'applied'],
  ['a boost', { requests: { cpu: '5' }, annotations: { 'vpaCpuStartupBoost/app': '{}' } }, 'not-judged'],
  ['a container that was injected later', { annotations: { vpaObservedContainers: 'other' } }, 'not-judged'],
  ['a container that is opted out', { spec: { resourcePolicy: { containerPolicies: [{ containerName: 'app', mode: 'Off' }] } } }, 'not-judged'],
  ['a VPA that is off by now', { spec: { updatePolicy: { updateMode: 'Off' } } }, 'not-judged'],
])('a replacement with %s', ([, facts, expected]) => {
  const verdict = judge(facts)
  expect(verdict.verdict === 'not-applied' ? verdict.why : verdict.verdict).toBe(expected)
})

test('mismatches read as the part of a sentence', () => {
  const verdict = judge({ requests: { cpu: '100m' } })
  expect(verdict.verdict === 'not-applied' && describeMismatches(verdict.mismatches)).toBe('container app requests cpu 100m instead of 500m')
})
