/** Pods, VPAs and LimitRanges as users write them, and what the API server makes of the pod. */
export interface AdmissionCase {
  readonly title: string
  readonly vpas: readonly { readonly name: string; readonly spec: object; readonly recommendation?: Readonly<Record<string, string>> }[]
  /** From the top down; the pod belongs to the last. Default: a Deployment. */
  readonly owners?: readonly string[]
  readonly limitRange?: object
  /** Fields of the pod's only container beside name and image. */
  readonly container?: object
  readonly pod?: { readonly metadata?: object; readonly spec?: object }
  readonly becomes: { readonly resources: object; readonly annotations?: object; readonly init?: object }
}

export const TARGET = { name: 'web', labels: { app: 'web' } }

const KONG = { resources: { requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '200m', memory: '300Mi' } } }
const RECOMMENDED = { cpu: '548m', memory: '548861636' }
const SCALED = { resources: { requests: { cpu: '548m', memory: '548861636' }, limits: { cpu: '1096m', memory: '823292454' } } }
const requests = (cpu: string, memory: string) => ({ requests: { cpu, memory } })
const mode = (updateMode: string) => ({ updatePolicy: { updateMode } })
const policy = (...containerPolicies: object[]) => ({ ...mode('Recreate'), resourcePolicy: { containerPolicies } })
const one = (spec: object, recommendation: Record<string, string> | undefined = RECOMMENDED) => [{ name: 'vpa', spec, recommendation }]

const ORDINARY: readonly AdmissionCase[] = [
  {
    title: 'mode Recreate: requests as recommended, limits in proportion, and annotations that say so',
    vpas: one(mode('Recreate')),
    container: KONG,
    becomes: {
      ...SCALED,
      annotations: { vpaObservedContainers: 'proxy', vpaUpdates: 'Pod resources updated by vpa: container 0: cpu request, memory request, cpu limit, memory limit' },
    },
  },
  ...['Initial', 'Auto', 'InPlaceOrRecreate'].map((name) => ({ title: `mode ${name}: the same at creation`, vpas: one(mode(name)), container: KONG, becomes: SCALED })),
  { title: 'no update policy: the same', vpas: one({}), container: KONG, becomes: SCALED },
  { title: 'mode Off: as it was', vpas: one(mode('Off')), container: KONG, becomes: KONG },
  { title: 'nothing recommended yet: as it was, but observed', vpas: [{ name: 'vpa', spec: mode('Recreate') }], container: KONG, becomes: { ...KONG, annotations: { vpaObservedContainers: 'proxy' } } },
  { title: 'only CPU recommended: memory as it was', vpas: one(mode('Recreate'), { cpu: '548m' }), container: KONG, becomes: { resources: { requests: { cpu: '548m', memory: '200Mi' }, limits: { cpu: '1096m', memory: '300Mi' } } } },
  { title: 'no limits: none are added', vpas: one(mode('Recreate')), container: { resources: requests('100m', '200Mi') }, becomes: { resources: { requests: RECOMMENDED } } },
  { title: 'only limits, so requests equal them: both as recommended', vpas: one(mode('Recreate')), container: { resources: { limits: KONG.resources.limits } }, becomes: { resources: { requests: RECOMMENDED, limits: RECOMMENDED } } },
  { title: 'no resources at all: requests are added', vpas: one(mode('Recreate')), becomes: { resources: { requests: RECOMMENDED } } },
  { title: 'an init container stays as it is', vpas: one(mode('Recreate')), container: KONG, pod: { spec: { initContainers: [{ name: 'init', image: 'none', resources: requests('10m', '10Mi') }] } }, becomes: { ...SCALED, init: requests('10m', '10Mi') } },
  { title: 'annotations of its own are kept', vpas: one(mode('Recreate')), container: KONG, pod: { metadata: { annotations: { own: 'kept' } } }, becomes: { ...SCALED, annotations: { own: 'kept', vpaObservedContainers: 'proxy' } } },
]

const POLICIES: readonly AdmissionCase[] = [
  { title: 'RequestsOnly: no more than the limits, which stay', vpas: one(policy({ containerName: '*', controlledValues: 'RequestsOnly' })), container: KONG, becomes: { resources: { requests: { cpu: '200m', memory: '300Mi' }, limits: KONG.resources.limits } } },
  { title: 'maxAllowed caps, the limit follows', vpas: one(policy({ containerName: 'proxy', maxAllowed: { cpu: '400m' } })), container: KONG, becomes: { resources: { requests: { cpu: '400m' }, limits: { cpu: '800m' } } } },
  { title: 'minAllowed lifts, the limit follows', vpas: one(policy({ containerName: 'proxy', minAllowed: { memory: '1Gi' } })), container: KONG, becomes: { resources: { requests: { memory: '1Gi' }, limits: { memory: '1536Mi' } } } },
  { title: 'the policy of all containers', vpas: one(policy({ containerName: '*', maxAllowed: { cpu: '300m' } })), container: KONG, becomes: { resources: { requests: { cpu: '300m' }, limits: { cpu: '600m' } } } },
  { title: 'the policy of its name comes before that of all', vpas: one(policy({ containerName: '*', maxAllowed: { cpu: '300m' } }, { containerName: 'proxy', maxAllowed: { cpu: '500m' } })), container: KONG, becomes: { resources: { requests: { cpu: '500m' }, limits: { cpu: '1' } } } },
  { title: 'two VPAs of the same second: the first by name', vpas: [{ name: 'a', spec: mode('Recreate'), recommendation: { cpu: '300m' } }, { name: 'b', spec: mode('Off'), recommendation: { cpu: '900m' } }], container: KONG, becomes: { resources: { requests: { cpu: '300m' } } } },
]

const LIMIT_RANGES: readonly AdmissionCase[] = [
  { title: 'LimitRange: a container maximum bounds the limit, and so the request', vpas: one(mode('Recreate')), limitRange: { type: 'Container', max: { cpu: '800m' } }, container: KONG, becomes: { resources: { requests: { cpu: '400m' }, limits: { cpu: '800m' } } } },
  { title: 'LimitRange: a container minimum lifts the request', vpas: one(mode('Recreate')), limitRange: { type: 'Container', min: { memory: '1Gi' } }, container: { resources: { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '200m', memory: '2Gi' } } }, becomes: { resources: { requests: { memory: '1Gi' }, limits: { memory: '2Gi' } } } },
  { title: 'LimitRange: a default limit is scaled too', vpas: one(mode('Recreate')), limitRange: { type: 'Container', default: { cpu: '1' } }, container: { resources: requests('100m', '200Mi') }, becomes: { resources: { requests: RECOMMENDED, limits: { cpu: '5480m' } } } },
  { title: 'LimitRange: a pod maximum bounds the sum of limits', vpas: one(mode('Recreate')), limitRange: { type: 'Pod', max: { cpu: '600m' } }, container: KONG, becomes: { resources: { requests: { cpu: '300m' }, limits: { cpu: '600m' } } } },
]

const boosted = (cpu: object, updateMode = 'Recreate') => ({ ...mode(updateMode), startupBoost: { cpu } })
const FACTOR = { type: 'Factor', factor: 2, durationSeconds: 60 }
const boost = (becomes: { readonly resources: object }) => ({ ...becomes, annotations: { 'vpaCpuStartupBoost/proxy': '{"requests":{"cpu":"100m","memory":"200Mi"},"limits":{"cpu":"200m","memory":"300Mi"}}' } })

/** With gate CPUStartupBoost and --max-allowed-cpu-boost=4. */
const BOOSTS: readonly AdmissionCase[] = [
  { title: 'startup boost: twice what is recommended, the limit in proportion', vpas: one(boosted(FACTOR)), container: KONG, becomes: boost({ resources: { requests: { cpu: '1096m', memory: '548861636' }, limits: { cpu: '2192m', memory: '823292454' } } }) },
  { title: 'startup boost: an amount more than is recommended', vpas: one(boosted({ type: 'Quantity', quantity: '1' })), container: KONG, becomes: boost({ resources: { requests: { cpu: '1548m' }, limits: { cpu: '3096m' } } }) },
  { title: 'startup boost in mode Off: more CPU than the pod asks for, nothing else', vpas: one(boosted(FACTOR, 'Off')), container: KONG, becomes: boost({ resources: { requests: { cpu: '200m', memory: '200Mi' }, limits: { cpu: '400m', memory: '300Mi' } } }) },
  { title: 'startup boost: never above the flag', vpas: one(boosted({ ...FACTOR, factor: 100 })), container: KONG, becomes: boost({ resources: { requests: { cpu: '4' }, limits: { cpu: '8' } } }) },
  { title: "startup boost: the container's own comes before the VPA's", vpas: one({ ...policy({ containerName: 'proxy', startupBoost: { cpu: { ...FACTOR, factor: 3 } } }), startupBoost: { cpu: FACTOR } }), container: KONG, becomes: boost({ resources: { requests: { cpu: '1644m' }, limits: { cpu: '3288m' } } }) },
  { title: 'startup boost with RequestsOnly: a millicore below the limit, which stays', vpas: one({ ...policy({ containerName: '*', controlledValues: 'RequestsOnly' }), startupBoost: { cpu: FACTOR } }), container: KONG, becomes: boost({ resources: { requests: { cpu: '199m', memory: '300Mi' }, limits: KONG.resources.limits } }) },
  { title: 'startup boost of a container whose mode is Off: none', vpas: one({ ...policy({ containerName: 'proxy', mode: 'Off' }), startupBoost: { cpu: FACTOR } }, {}), container: KONG, becomes: KONG },
]

const OWNERS: readonly AdmissionCase[] = [
  ...[['Deployment', 'ReplicaSet'], ['CronJob', 'Job'], ['StatefulSet'], ['DaemonSet'], ['Job']].map((owners) => ({ title: `a pod of ${owners.toReversed().join(' of ')}`, vpas: one(mode('Recreate')), owners, container: KONG, becomes: SCALED })),
  { title: 'other labels than the target selects: as it was', vpas: one(mode('Recreate')), container: KONG, pod: { metadata: { labels: { app: 'other' } } }, becomes: KONG },
  { title: 'no controller: as it was', vpas: one(mode('Recreate')), container: KONG, pod: { metadata: { ownerReferences: [] } }, becomes: { ...KONG, annotations: {} } },
]

/** The last one proves that the admission controller has seen all. */
const LAST: AdmissionCase = {
  title: 'everything at once',
  vpas: one(policy({ containerName: 'proxy', maxAllowed: { memory: '400Mi' } })),
  limitRange: { type: 'Container', max: { cpu: '800m' } },
  container: KONG,
  becomes: { resources: { requests: { cpu: '400m', memory: '400Mi' }, limits: { cpu: '800m', memory: '600Mi' } } },
}

export const CASES: readonly AdmissionCase[] = [...ORDINARY, ...POLICIES, ...LIMIT_RANGES, ...BOOSTS, ...OWNERS, LAST]
