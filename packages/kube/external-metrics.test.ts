import { expect, test } from 'vitest'
import { clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { readExternalMetric } from './external-metrics.ts'

const QUERY = { namespace: 'kong', metric: 'cpu/of containers', selector: 'app=kong,pod=kong-1' }

test('values come with their labels; what cannot be read of one is left open', async () => {
  const items = [
    { metricName: 'cpu', metricLabels: { container: 'proxy' }, timestamp: '2026-03-01T00:00:00Z', value: '250m' },
    { metricName: 'cpu', metricLabels: null, timestamp: 'now', value: 'much' },
  ]
  const server = await startApiServer((_, response) => json(response, 200, { kind: 'ExternalMetricValueList', metadata: {}, items }))
  expect(await readExternalMetric(clientOf(server), QUERY)).toEqual([
    { labels: { container: 'proxy' }, at: Date.UTC(2026, 2, 1), value: expect.objectContaining({ nanos: 250_000_000n }) },
    { labels: {}, at: undefined, value: undefined },
  ])
  expect(server.seen).toMatchObject([{ path: '/apis/external.metrics.k8s.io/v1beta1/namespaces/kong/cpu%2Fof%20containers', query: { labelSelector: 'app=kong,pod=kong-1' } }])
})

test('a list that says that it goes on, and never does, is given up', async () => {
  const server = await startApiServer((_, response) => json(response, 200, { metadata: { continue: 'next' }, items: [] }))
  await expect(readExternalMetric(clientOf(server), QUERY)).rejects.toThrow('the list goes on where it was')
  expect(server.seen).toHaveLength(2)
})

test('where nothing serves the API, its words are those of the API server', async () => {
  const server = await startApiServer((_, response) => refuse(response, 404, { message: 'the server could not find the requested resource', reason: 'NotFound' }))
  await expect(readExternalMetric(clientOf(server), QUERY)).rejects.toThrow('the server could not find the requested resource')
})
