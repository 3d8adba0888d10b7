import { expect, test } from 'vitest'
import { vpaWith } from '../../../test/support/objects.ts'
import type { Workload } from '../target/workload.ts'
import { unattended, vpaManifests } from './manifest.ts'

const workload = (kind: string, name: string, facts: Partial<Workload> = {}): Workload => ({ apiVersion: 'apps/v1', kind, name, namespace: 'default', owners: [], replicas: 1, ...facts })
const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api', controller: true }

test('workloads without a VPA are those that stand for themselves, have pods, and are not a target yet', () => {
  const workloads = [
    workload('StatefulSet', 'db'),
    workload('Deployment', 'web'),
    workload('Deployment', 'api'),
    workload('ReplicaSet', 'api-7c9', { owners: [owner] }),
    workload('Deployment', 'asleep', { replicas: 0 }),
    workload('Job', 'once'),
    workload('DaemonSet', 'web'),
  ]
  expect(unattended(workloads, [vpaWith()]).map(({ kind, name }) => `${kind}/${name}`)).toEqual(['DaemonSet/web', 'Deployment/api', 'StatefulSet/db'])
})

test('a VPA bears the name of its workload, and its kind too where that is taken', () => {
  const manifests = vpaManifests([workload('Deployment', 'web'), workload('StatefulSet', 'web'), workload('Deployment', 'vpa')], [vpaWith()], 'Off')
  expect(manifests.map(({ metadata }) => metadata.name)).toEqual(['web', 'web-statefulset', 'vpa-deployment'])
  expect(manifests[1]?.spec).toEqual({ targetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, updatePolicy: { updateMode: 'Off' } })
})
