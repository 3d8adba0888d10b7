import { HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import { expect, test, vi } from 'vitest'
import { type Handler, clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { PATIENCE } from '../../test/support/patience.ts'
import { Discovery } from './discovery.ts'
import { ScaleLookup } from './scale.ts'

const ROLLOUT = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web' }
const SCALE_PATH = '/apis/argoproj.io/v1alpha1/namespaces/ns/rollouts/web/scale'

const groups = [{ name: 'argoproj.io', versions: [{ groupVersion: 'argoproj.io/v1alpha1' }], preferredVersion: { groupVersion: 'argoproj.io/v1alpha1' } }]
const resources = [
  { name: 'rollouts', kind: 'Rollout', namespaced: true },
  { name: 'rollouts/scale', kind: 'Scale', namespaced: true },
  { name: 'analysisruns', kind: 'AnalysisRun', namespaced: true },
]

/** An API server that has Argo Rollouts, whose scale is answered as told. */
function withRollouts(scale: Handler): Handler {
  return (request, response) => {
    if (request.path === '/apis') json(response, 200, { groups })
    else if (request.path === '/apis/argoproj.io/v1alpha1') json(response, 200, { resources })
    else if (request.path === SCALE_PATH) scale(request, response)
    else refuse(response, 404, { message: 'the server could not find the requested resource' })
  }
}

const scaleOf = (replicas: number): Handler => (_, response) => json(response, 200, { metadata: { name: 'web', namespace: 'ns' }, spec: { replicas }, status: { selector: 'app=web' } })

async function lookingUp(scale: Handler) {
  const clock = fakeClock()
  const server = await startApiServer(withRollouts(scale))
  const client = clientOf(server, { clock })
  const scales = new ScaleLookup({ client, discovery: new Discovery(client, clock), clock, random: () => 0 })
  const asked = () => server.seen.filter(({ path }) => path === SCALE_PATH).length
  return { clock, server, scales, asked }
}

test('the first reader is told that there is no answer yet; it is on its way for the next', async () => {
  const { scales } = await lookingUp(scaleOf(3))
  expect(scales.lookup('ns', ROLLOUT)).toEqual({ failed: 'the scale of Rollout ns/web has not been read yet' })
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toEqual({
    found: { ...ROLLOUT, namespace: 'ns', owners: [], replicas: 3, selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] } },
  })
})

test('readers at the same time, and of other versions of the kind, share one request', async () => {
  const { scales, asked } = await lookingUp(scaleOf(3))
  await Promise.all([scales.prefetch('ns', ROLLOUT), scales.prefetch('ns', { ...ROLLOUT, apiVersion: 'argoproj.io/v1' })])
  expect(asked()).toBe(1)
})

test.for([
  ['a kind that the cluster does not know', { ...ROLLOUT, kind: 'Toaster' }, { missing: 'not-scalable', message: 'no matches for kind "Toaster" in group "argoproj.io"' }],
  ['a group that the cluster does not know', { ...ROLLOUT, apiVersion: 'example.com/v1' }, { missing: 'not-scalable', message: 'no matches for kind "Rollout" in group "example.com"' }],
  ['a kind without scale subresource', { ...ROLLOUT, kind: 'AnalysisRun' }, { missing: 'not-scalable', message: 'the server could not find the requested resource' }],
  ['an object that does not exist', { ...ROLLOUT, name: 'other' }, { missing: 'not-found', message: 'the server could not find the requested resource' }],
  ['a name that leads elsewhere', { ...ROLLOUT, name: '../../secrets/s' }, { missing: 'not-found', message: 'the server could not find the requested resource' }],
] as const)('%s', async ([, ref, expected]) => {
  const { scales } = await lookingUp(scaleOf(3))
  await scales.prefetch('ns', ref)
  expect(scales.lookup('ns', ref)).toEqual(expected)
})

test('an empty selector is none', async () => {
  const { scales } = await lookingUp((_, response) => json(response, 200, { status: { selector: '' } }))
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toEqual({ found: { ...ROLLOUT, namespace: 'ns', owners: [] } })
})

test('an answer is given for ten minutes, and then while it is asked for again', async () => {
  const { scales, clock, server, asked } = await lookingUp(scaleOf(3))
  await scales.prefetch('ns', ROLLOUT)
  server.handle(withRollouts(scaleOf(5)))
  await clock.advance(10 * MINUTE - 1)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 3 } })
  expect(asked()).toBe(1)
  await clock.advance(1)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 3 } })
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 5 } })
})

test('a kind that has just come is found soon: that it is not there is read from a list, and costs no request', async () => {
  const { scales, clock, server } = await lookingUp(scaleOf(3))
  server.handle((_, response) => json(response, 200, { groups: [] }))
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ missing: 'not-scalable' })
  server.handle(withRollouts(scaleOf(3)))
  await clock.advance(5 * SECOND)
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 3 } })
})

test("a step back of the system's time keeps no answer for longer", async () => {
  const { scales, clock, server } = await lookingUp(scaleOf(3))
  await scales.prefetch('ns', ROLLOUT)
  server.handle(withRollouts(scaleOf(5)))
  clock.step(-24 * HOUR)
  await clock.advance(10 * MINUTE)
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 5 } })
  expect(server.seen.filter(({ path }) => path === '/apis')).toHaveLength(2)
})

test('a failure is asked again after five seconds', async () => {
  const { scales, clock, server } = await lookingUp((_, response) => refuse(response, 500, { message: 'no luck' }))
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toEqual({ failed: 'no luck' })
  server.handle(withRollouts(scaleOf(5)))
  await clock.advance(5 * SECOND)
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 5 } })
})

test('what was found outlives an outage, and is forgotten when nobody asks for an hour', async () => {
  const { scales, clock, server } = await lookingUp(scaleOf(3))
  await scales.prefetch('ns', ROLLOUT)
  server.handle((_, response) => refuse(response, 500, { message: 'no luck' }))
  await clock.advance(10 * MINUTE)
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 3 } })
  await clock.advance(HOUR)
  await scales.prefetch('ns', { ...ROLLOUT, name: 'other' })
  expect(scales.lookup('ns', ROLLOUT)).toEqual({ failed: 'the scale of Rollout ns/web has not been read yet' })
})

test.for([
  ['a name', 'ns', { ...ROLLOUT, name: 'x'.repeat(254) }],
  ['a namespace', 'x'.repeat(64), ROLLOUT],
  ['a kind', 'ns', { ...ROLLOUT, kind: 'X'.repeat(64) }],
  ['an API version', 'ns', { ...ROLLOUT, apiVersion: `${'x'.repeat(300)}/${'v'.repeat(100)}` }],
] as const)('%s that is longer than any is neither asked for nor remembered', async ([, namespace, ref]) => {
  const { scales, server } = await lookingUp(scaleOf(3))
  await scales.prefetch(namespace, ref)
  expect(scales.lookup(namespace, ref)).toEqual({ missing: 'not-found', message: 'no object can have a name, namespace, kind or API version of that length' })
  expect(server.seen).toEqual([])
})

const rollouts = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => ({ ...ROLLOUT, name: `web-${from + index}` }))
const NOT_READ = expect.objectContaining({ failed: expect.stringContaining('has not been read yet') })

test('of what is named in a namespace and not there, the latest 4,500 to 5,000 are remembered; what was found stays, and so does what others named', async () => {
  const { scales } = await lookingUp(scaleOf(3))
  await scales.prefetch('ns', ROLLOUT)
  await scales.prefetch('other', ROLLOUT)
  const [first, second, ...more] = rollouts(0, 5001)
  await Promise.all([first!, second!].map((ref) => scales.prefetch('ns', ref)))
  await Promise.all(more.slice(0, -1).map((ref) => scales.prefetch('ns', ref)))
  scales.lookup('ns', first!)
  await scales.prefetch('ns', more.at(-1)!)
  expect(scales.lookup('ns', second!)).toEqual(NOT_READ)
  expect(scales.lookup('ns', first!)).toMatchObject({ missing: 'not-found' })
  expect(scales.lookup('other', ROLLOUT)).toMatchObject({ missing: 'not-found' })
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 3 } })
})

test('objects of a kind that cannot be scaled cost neither a request nor memory, however many: the owner of another is still known', async () => {
  const { scales, server } = await lookingUp(scaleOf(3))
  const owner = { apiVersion: 'example.com/v1', kind: 'Kong', name: 'kong' }
  await scales.prefetch('shop', owner)
  const run = { ...ROLLOUT, kind: 'AnalysisRun' }
  await scales.prefetch('shop', run)
  const asked = server.seen.length
  for (let index = 0; index < 30_000; index += 1) scales.lookup('evil', { ...owner, apiVersion: `g${index}.example/v1` })
  for (let index = 0; index < 30_000; index += 1) scales.lookup('evil', { ...run, name: `run-${index}` })
  expect([owner, run].map((ref) => scales.lookup('shop', ref))).toMatchObject([{ missing: 'not-scalable' }, { missing: 'not-scalable' }])
  expect(server.seen).toHaveLength(asked)
})

test('where one namespace names thousands, another does not wait behind all of them', async () => {
  const { scales } = await lookingUp(scaleOf(3))
  let done = 0
  const many = rollouts(0, 2000).map((ref) => scales.prefetch('evil', ref).then(() => (done += 1)))
  await scales.prefetch('ns', ROLLOUT)
  expect(scales.lookup('ns', ROLLOUT)).toMatchObject({ found: { replicas: 3 } })
  expect(done).toBeLessThan(1000)
  await Promise.all(many)
})

test('that a kind cannot be scaled, or an object is not there, outlives an outage', async () => {
  const { scales, clock, server } = await lookingUp(scaleOf(3))
  const refs = [{ ...ROLLOUT, kind: 'AnalysisRun' }, { ...ROLLOUT, apiVersion: 'example.com/v1' }, { ...ROLLOUT, name: 'other' }]
  const answers = async () => {
    await Promise.all(refs.map((ref) => scales.prefetch('ns', ref)))
    return refs.map((ref) => scales.lookup('ns', ref))
  }
  const before = await answers()
  expect(before.filter((answer) => 'missing' in answer)).toHaveLength(3)
  server.handle((_, response) => refuse(response, 500, { message: 'no luck' }))
  for (let outage = 0; outage < 3; outage += 1) {
    await clock.advance(5 * MINUTE)
    expect(await answers()).toEqual(before)
  }
})

test('fifty are asked for at once, and the others in their turn', async () => {
  const held: (() => void)[] = []
  const server = await startApiServer((request, response) => {
    if (request.path.endsWith('/scale')) held.push(() => refuse(response, 404))
    else withRollouts(scaleOf(3))(request, response)
  })
  const clock = fakeClock()
  const client = clientOf(server, { clock })
  const scales = new ScaleLookup({ client, discovery: new Discovery(client, clock), clock, random: () => 0 })
  let done = 0
  for (let index = 0; index < 120; index += 1) void scales.prefetch('ns', { ...ROLLOUT, name: `web-${index}` }).then(() => (done += 1))
  for (const expected of [50, 50, 20]) {
    await vi.waitFor(() => expect(held).toHaveLength(expected), PATIENCE)
    // Whatever was sent with them would have come by now.
    await client.request({ path: '/apis' })
    expect(held.splice(0).map((answer) => answer())).toHaveLength(expected)
  }
  await vi.waitFor(() => expect(done).toBe(120), PATIENCE)
})
