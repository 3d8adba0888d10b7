/**
 * An API server with nothing but many pods, in a process of its own, so that what it does takes no time from who asks.
 * Its lists come in one answer, as from the API server's cache; each watch ends at once by 410, which asks for a new list.
 *
 *   node pod-list-server.ts COUNT     prints its port
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const count = Number(process.argv[2])
const PODS_PER_CHUNK = 500
let lists = 0

const server = createServer(async (request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://server')
  response.writeHead(200, { 'content-type': 'application/json' })
  if (searchParams.has('watch')) {
    response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } })}\n`)
    return
  }
  lists += 1
  response.write(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"${lists}"},"items":[`)
  for (let from = 0; from < count; from += PODS_PER_CHUNK) {
    const pods = Array.from({ length: Math.min(PODS_PER_CHUNK, count - from) }, (_, index) => podText(from + index))
    if (!response.write(`${from > 0 ? ',' : ''}${pods.join(',')}`)) await new Promise((resolve) => response.once('drain', resolve))
  }
  response.end(']}')
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
// Who started it holds the other end.
process.stdin.on('end', () => process.exit()).resume()

/** What is the same in all of them: what a pod is made of by and large, and what no program keeps. */
const managedFields = JSON.stringify([{ manager: 'kube-controller-manager', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': Object.fromEntries(Array.from({ length: 12 }, (_, field) => [`f:field-${field}`, { '.': {}, 'f:value': {} }])) } }])
const env = Array.from({ length: 12 }, (_, variable) => ({ name: `VARIABLE_${variable}`, value: `value ${variable}` }))
const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '200m', memory: '256Mi' } }
const containers = JSON.stringify([{ name: 'app', image: 'example.test/app:1.2.3', env, resources }])
const started = '2026-01-01T00:00:10Z'
const status = JSON.stringify({ phase: 'Running', startTime: started, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: started }], containerStatuses: [{ name: 'app', restartCount: 0, state: { running: { startedAt: started } } }] })

/** About 2 KB; each list brings another version of it. */
function podText(index: number): string {
  const name = `web-${Math.floor(index / 10)}`
  const owners = `[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"${name}-7d4b9c6f5d","controller":true}]`
  const metadata = `{"namespace":"team-${index % 50}","name":"${name}-7d4b9c6f5d-${index}","uid":"uid-${index}","resourceVersion":"${lists * count + index}","labels":{"app":"${name}","pod-template-hash":"7d4b9c6f5d"},"ownerReferences":${owners},"managedFields":${managedFields}}`
  return `{"metadata":${metadata},"spec":{"nodeName":"node-${index % 500}","containers":${containers}},"status":${status}}`
}
