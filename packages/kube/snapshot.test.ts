import { expect, test } from 'vitest'
import { clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { silentLog } from '../../test/support/recorded-log.ts'
import { readFullSnapshot } from './snapshot.ts'

const PODS = { name: 'pods', kind: 'Pod', namespaced: true }

test.for([
  ['that lists it', { resources: [PODS, { ...PODS, name: 'pods/resize' }] }, { servesResize: true, missing: [] }],
  ['that does not list it', { resources: [PODS] }, { servesResize: false, missing: [] }],
  ['that cannot be asked', undefined, { servesResize: true, missing: ['whether pods can be resized in place is not known, and taken to be so: etcd is away'] }],
] as const)('pods/resize of an API server %s', async ([, resources, expected]) => {
  const server = await startApiServer(({ path }, response) => {
    if (path !== '/api/v1') return json(response, 200, { metadata: { resourceVersion: '1' }, items: [] })
    return resources ? json(response, 200, resources) : refuse(response, 500, { message: 'etcd is away' })
  })
  const missing: string[] = []
  const { servesResize } = await readFullSnapshot({ client: clientOf(server), clock: fakeClock(), log: silentLog, namespace: undefined, missing: (what) => void missing.push(what) })
  expect({ servesResize, missing }).toEqual(expected)
})
