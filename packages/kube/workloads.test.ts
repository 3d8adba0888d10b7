import { expect, test } from 'vitest'
import { projectWorkload } from './workloads.ts'

const metadata = { namespace: 'ns', name: 'x', uid: 'u', resourceVersion: '7', labels: { not: 'kept' } }
const template = { metadata: { labels: { app: 'web' } } }

test.for([
  ['a Deployment has selector and replicas', 'Deployment', { replicas: 3, selector: { matchLabels: { app: 'web' } } }, {}, { selector: { matchLabels: { app: 'web' } }, replicas: 3 }],
  ['a DaemonSet has as many pods as there are nodes for it', 'DaemonSet', { selector: {} }, { desiredNumberScheduled: 4 }, { selector: {}, replicas: 4 }],
  ["a ReplicationController's selector is a map", 'ReplicationController', { replicas: 1, selector: { app: 'web' } }, {}, { selector: { matchLabels: { app: 'web' } }, replicas: 1 }],
  ["a CronJob selects what looks like its template", 'CronJob', { jobTemplate: { spec: { template } } }, {}, { selector: { matchLabels: { app: 'web' } } }],
  ['or nothing, when that has no labels', 'CronJob', { jobTemplate: { spec: {} } }, {}, {}],
] as const)('%s', ([, kind, spec, status, expected]) => {
  const { apiVersion, owners, ...rest } = projectWorkload(kind, { metadata, spec, status })
  expect(rest).toEqual({ kind, namespace: 'ns', name: 'x', uid: 'u', resourceVersion: '7', ...expected })
  expect(owners).toEqual([])
  expect(apiVersion).toBe({ Deployment: 'apps/v1', DaemonSet: 'apps/v1', ReplicationController: 'v1', CronJob: 'batch/v1' }[kind])
})
