import { expect, test } from 'vitest'
import { topmostController } from './owner.ts'
import type { ObjectRef, WorkloadAnswer } from './workload.ts'

const owned: Record<string, string | undefined> = {
  'Deployment/web': undefined,
  'ReplicaSet/web-7c9': 'Deployment/web',
  'CronJob/nightly': undefined,
  'Job/nightly-1': 'CronJob/nightly',
  'Rollout/shop': undefined,
  'ReplicaSet/shop-1': 'Rollout/shop',
  'Widget/gear': 'Rollout/shop',
  'ReplicaSet/of-a-lost-deployment': 'Deployment/lost',
  'ReplicaSet/of-an-operator': 'Operator/unscalable',
  'ReplicaSet/a': 'ReplicaSet/b',
  'ReplicaSet/b': 'ReplicaSet/a',
}

function lookup(namespace: string, { kind, name }: ObjectRef): WorkloadAnswer {
  if (kind === 'Broken') return { failed: 'no answer yet' }
  const id = `${kind}/${name}`
  if (!(id in owned)) return { missing: 'not-found', message: `${kind} ${namespace}/${name} does not exist` }
  const owner = owned[id]
  return { found: { ...ref(id), namespace, owners: owner === undefined ? [] : [{ ...ref(owner), controller: true }] } }
}

function ref(id: string): ObjectRef {
  const [kind = '', name = ''] = id.split('/')
  return { apiVersion: 'v1', kind, name }
}

test.for([
  ['a Deployment is its own topmost controller', 'Deployment/web', { topmost: ref('Deployment/web') }],
  ['a ReplicaSet belongs to its Deployment', 'ReplicaSet/web-7c9', { topmost: ref('Deployment/web') }],
  ['a Job belongs to its CronJob', 'Job/nightly-1', { topmost: ref('CronJob/nightly') }],
  ['a custom resource with scale may own ReplicaSets', 'ReplicaSet/shop-1', { topmost: ref('Rollout/shop') }],
  ['and other custom resources', 'Widget/gear', { topmost: ref('Rollout/shop') }],
  ['an owner that cannot be scaled is passed over', 'ReplicaSet/of-an-operator', { topmost: ref('ReplicaSet/of-an-operator') }],
  ['where nothing can be scaled there is none', 'Operator/unscalable', { topmost: undefined }],
  ['a well-known owner must exist', 'ReplicaSet/of-a-lost-deployment', { failed: 'Deployment kong/lost does not exist' }],
  ['two that own each other are a mistake', 'ReplicaSet/a', { failed: 'cycle detected in ownership chain' }],
  ['a node owns static pods only', 'Node/n1', { failed: 'node is not a valid owner' }],
  ['the API server has not answered', 'Broken/x', { failed: 'no answer yet' }],
] as const)('%s', ([, id, expected]) => {
  expect(topmostController('kong', ref(id), lookup)).toEqual(expected)
})
