import { describe, expect, test } from 'vitest'
import { fieldErrorText } from './field-error.ts'
import { type VpaGates, reviewVpa } from './validate.ts'

const NO_GATES: VpaGates = { perVpaConfig: false, cpuStartupBoost: false, inPlace: false }
const ALL_GATES: VpaGates = { perVpaConfig: true, cpuStartupBoost: true, inPlace: true }

const vpa = (spec: object) => ({ spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec } })
const policy = (...containerPolicies: object[]) => ({ resourcePolicy: { containerPolicies } })
const boost = (cpu: object) => ({ startupBoost: { cpu } })
const errorsOf = (object: unknown, gates = ALL_GATES, old?: unknown) => reviewVpa(object, old, gates).errors.map(fieldErrorText)

test.for([
  ['an update policy without mode', { updatePolicy: {} }, 'spec.updatePolicy.updateMode: Required value: updateMode is required if UpdatePolicy is used'],
  ['a mode that does not exist', { updatePolicy: { updateMode: 'bogus' } }, 'spec.updatePolicy.updateMode: Unsupported value: "bogus": supported values: "InPlace", "InPlaceOrRecreate", "Initial", "Off", "Recreate"'],
  ['no replicas', { updatePolicy: { updateMode: 'Off', minReplicas: 0 } }, 'spec.updatePolicy.minReplicas: Invalid value: 0: minReplicas has to be positive'],
  ['a policy for no container', policy({}), 'spec.resourcePolicy.containerPolicies[0].containerName: Required value'],
  ['a container mode that does not exist', policy({ containerName: 'a' }, { containerName: 'b', mode: 'off' }), 'spec.resourcePolicy.containerPolicies[1].mode: Unsupported value: "off": supported values: "Auto", "Off"'],
  ['parts of a millicore', policy({ containerName: 'a', minAllowed: { cpu: '1001u' } }), 'spec.resourcePolicy.containerPolicies[0].minAllowed[cpu]: Invalid value: "1001u": must be a whole number of milli CPUs'],
  ['parts of a byte', policy({ containerName: 'a', maxAllowed: { memory: '500m' } }), 'spec.resourcePolicy.containerPolicies[0].maxAllowed[memory]: Invalid value: "500m": must be a whole number of bytes'],
  ['max below min', policy({ containerName: 'a', minAllowed: { cpu: '2' }, maxAllowed: { cpu: '1000m' } }), 'spec.resourcePolicy.containerPolicies[0].maxAllowed[cpu]: Invalid value: "1": max resource for cpu is lower than min of "2"'],
  ['values of a container that is off', policy({ containerName: 'a', mode: 'Off', controlledValues: 'RequestsAndLimits' }), "spec.resourcePolicy.containerPolicies[0].controlledValues: Forbidden: controlledValues shouldn't be specified if container scaling mode is off"],
  ['a resource that is not scaled', policy({ containerName: 'a', controlledResources: ['cpu', 'gpu'] }), 'spec.resourcePolicy.containerPolicies[0].controlledResources[1]: Unsupported value: "gpu": supported values: "cpu", "memory"'],
  ['an OOM ratio that shrinks', policy({ containerName: 'a', oomBumpUpRatio: '0.5' }), 'spec.resourcePolicy.containerPolicies[0].oomBumpUpRatio: Invalid value: 0.5: must be greater than or equal to 1.0'],
  ['a negative OOM step', policy({ containerName: 'a', oomMinBumpUp: -1 }), 'spec.resourcePolicy.containerPolicies[0].oomMinBumpUp: Invalid value: -1: must be greater than or equal to 0'],
  ['a boost without type', boost({ factor: 2 }), 'spec.startupBoost.cpu.type: Required value: must be either Factor or Quantity'],
  ['a boost without factor', boost({ type: 'Factor' }), 'spec.startupBoost.cpu.factor: Required value: required when type is Factor'],
  ['a boost by parts of a millicore', boost({ type: 'Quantity', quantity: '1u' }), 'spec.startupBoost.cpu.quantity: Invalid value: "1u": must be a whole number of milli CPUs'],
  ['two recommenders', { recommenders: [{ name: 'a' }, { name: 'b' }] }, 'spec.recommenders: Too many: 2: must have at most 1 item'],
  ['what is not a quantity', policy({ containerName: 'a', minAllowed: { cpu: 'abc' } }), ".: Internal error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
] as const)('refused: %s', ([, spec, expected]) => {
  expect(errorsOf(vpa(spec))).toEqual([expected])
})

test.for([
  [{ updatePolicy: 'Recreate' }, 'string'],
  [{ updatePolicy: { minReplicas: 1.5 } }, 'number 1.5'],
  [{ updatePolicy: { minReplicas: 2 ** 31 } }, 'number 2147483648'],
  [{ updatePolicy: { updateMode: 1 } }, 'number'],
  [{ resourcePolicy: { containerPolicies: {} } }, 'object'],
  [{ resourcePolicy: true }, 'bool'],
] as const)('a value of the wrong type is refused with the words that Go begins with: %j', ([spec, kind]) => {
  expect(errorsOf(vpa(spec))).toEqual([expect.stringContaining(`.: Internal error: json: cannot unmarshal ${kind} into `)])
})

test('what is null is absent', () => {
  expect(errorsOf({ spec: null })).toEqual([])
  expect(errorsOf(vpa({ updatePolicy: null, ...policy({ containerName: 'a', minAllowed: { cpu: null } }) }))).toEqual([])
})

test('all errors are told at once', () => {
  const spec = { updatePolicy: { updateMode: 'bogus', minReplicas: -1 }, ...policy({ mode: 'x' }), recommenders: [{}, {}, {}] }
  expect(errorsOf(vpa(spec)).map((text) => text.split(':', 1)[0])).toEqual([
    'spec.updatePolicy.updateMode',
    'spec.updatePolicy.minReplicas',
    'spec.resourcePolicy.containerPolicies[0].containerName',
    'spec.resourcePolicy.containerPolicies[0].mode',
    'spec.recommenders',
  ])
})

test.for([
  ['a second entry of a container', { resourcePolicy: { containerPolicies: [{ containerName: 'a' }, { containerName: 'a' }] } }, 'spec.resourcePolicy.containerPolicies[1]: has no effect, containerPolicies[0] is for "a" too'],
  ['all but the last entry of all containers', { resourcePolicy: { containerPolicies: [{ containerName: '*' }, { containerName: '*' }] } }, 'spec.resourcePolicy.containerPolicies[0]: has no effect, containerPolicies[1] is for "*" too'],
  ['a requirement on what never changes', { updatePolicy: { updateMode: 'Recreate', evictionRequirements: [{ resources: ['gpu'], changeRequirement: 'TargetHigherThanRequests' }] } }, 'spec.updatePolicy.evictionRequirements[0].resources: "gpu" is never changed; supported values: "cpu", "memory"'],
  ['a requirement on nothing', { updatePolicy: { updateMode: 'Recreate', evictionRequirements: [{ resources: [], changeRequirement: 'TargetHigherThanRequests' }] } }, 'spec.updatePolicy.evictionRequirements[0].resources: an empty list is never met, so that no pod is ever updated; supported values: "cpu", "memory"'],
] as const)('%s cannot be meant: a warning', ([, spec, warning]) => {
  const { errors, warnings, advice } = reviewVpa({ spec: { targetRef: { kind: 'Deployment', name: 'web' }, ...spec } }, undefined, { perVpaConfig: false, cpuStartupBoost: false, inPlace: false })
  expect({ errors, warnings, advice }).toEqual({ errors: [], warnings: [], advice: [warning] })
})

test.for([
  ['2,400 named policies are too many for the schema, not for us', Array.from({ length: 2400 }, (_, index) => ({ containerName: `c${index}` })), []],
  ['2,600 are not looked at', Array.from({ length: 2600 }, (_, index) => ({ containerName: `c${index}` })), ['spec: expected at most 5000 values, got more']],
  ['nor is what is nested as deep', [{ minAllowed: Array.from({ length: 5000 }).reduce((inner) => [inner], '1') }], ['spec: expected at most 5000 values, got more']],
] as const)('%s', ([, containerPolicies, expected]) => {
  expect(reviewVpa(vpa({ updatePolicy: { updateMode: 'Off' }, resourcePolicy: { containerPolicies } }), undefined, NO_GATES).errors.map(({ detail }) => detail)).toEqual(expected)
})

test('an update policy is added where there is none', () => {
  expect(reviewVpa(vpa({}), undefined, NO_GATES)).toEqual({ errors: [], warnings: [], advice: [], patch: [{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }] })
  expect(reviewVpa(vpa({ updatePolicy: { updateMode: 'Off' } }), undefined, NO_GATES).patch).toEqual([])
})

test('mode Auto works, with a warning', () => {
  const { errors, warnings } = reviewVpa(vpa({ updatePolicy: { updateMode: 'Auto' } }), undefined, NO_GATES)
  expect(errors).toEqual([])
  expect(warnings).toEqual([expect.stringContaining('"Auto" mode is deprecated')])
})

describe('what a gate guards', () => {
  test.for([
    ['mode InPlace', { updatePolicy: { updateMode: 'InPlace' } }, 'in order to use UpdateMode InPlace, you must enable feature gate InPlace in the admission-controller args'],
    ['a startup boost', boost({ type: 'Factor', factor: 2 }), 'in order to use startupBoost, you must enable feature gate CPUStartupBoost in the admission-controller args'],
    ['a memory interval', policy({ containerName: 'a', memoryAggregationIntervalSeconds: 60 }), 'not supported when feature flag PerVPAConfig is disabled'],
    ['an OOM threshold', { updatePolicy: { updateMode: 'Off', evictAfterOOMSeconds: 60 } }, 'not supported when feature flag PerVPAConfig is disabled'],
  ] as const)('%s: refused without it, unless the object has it already', ([, spec, reason]) => {
    expect(errorsOf(vpa(spec), NO_GATES)).toEqual([expect.stringContaining(`: Forbidden: ${reason}`)])
    expect(errorsOf(vpa(spec), ALL_GATES)).toEqual([])
    expect(errorsOf(vpa(spec), NO_GATES, vpa(spec))).toEqual([])
  })

  test('a resource that is not scaled is only warned about where the object names it already', () => {
    const object = vpa(policy({ containerName: 'a', controlledResources: ['gpu'] }))
    expect(reviewVpa(object, object, NO_GATES)).toMatchObject({
      errors: [],
      warnings: ['spec.resourcePolicy.containerPolicies[0].controlledResources[0]: unsupported value "gpu" is allowed only because it is present in the existing VPA object; supported values: "cpu", "memory"'],
    })
  })
})
