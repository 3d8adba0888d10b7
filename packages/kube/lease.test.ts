import { SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { readLease, renewStatusLease } from './lease.ts'

const NOW = Date.UTC(2026, 2, 1)
const NAME = { namespace: 'kube-system', name: 'vpa-admission-controller' }
const STATUS = { ...NAME, holder: 'host', duration: 10 * SECOND }

test('a lease that exists', async () => {
  const lease = { metadata: { creationTimestamp: '2026-03-01T00:00:00Z' }, spec: { renewTime: '2026-03-01T00:00:07.250000Z' } }
  const server = await startApiServer((_, response) => json(response, 200, lease))
  expect(await readLease(clientOf(server), NAME)).toEqual({ createdAt: NOW, renewedAt: NOW + 7.25 * SECOND })
})

test('a lease that does not exist', async () => {
  const server = await startApiServer((_, response) => refuse(response, 404))
  expect(await readLease(clientOf(server), NAME)).toBeUndefined()
})

test('the first renewal creates the lease, without a time', async () => {
  const server = await startApiServer(({ method }, response) => (method === 'GET' ? refuse(response, 404) : json(response, 201, {})))
  await renewStatusLease(clientOf(server), STATUS, NOW)
  expect(server.seen[1]).toMatchObject({
    method: 'POST', path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', body: { metadata: NAME, spec: { holderIdentity: 'host', leaseDurationSeconds: 10 } },
  })
})

test('later ones set holder and time, and leave the rest as it is', async () => {
  const lease = { metadata: { ...NAME, resourceVersion: '5' }, spec: { holderIdentity: 'other', leaseDurationSeconds: 10 } }
  const server = await startApiServer((_, response) => json(response, 200, lease))
  await renewStatusLease(clientOf(server), STATUS, NOW)
  expect(server.seen[1]).toMatchObject({
    method: 'PUT', body: { metadata: lease.metadata, spec: { holderIdentity: 'host', leaseDurationSeconds: 10, renewTime: '2026-03-01T00:00:00.000000Z' } },
  })
})

test('another replica was faster: as good', async () => {
  const server = await startApiServer(({ method }, response) => (method === 'GET' ? json(response, 200, {}) : refuse(response, 409)))
  await expect(renewStatusLease(clientOf(server), STATUS, NOW)).resolves.toBeUndefined()
})
