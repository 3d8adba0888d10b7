import { expect, test } from 'vitest'
import { projectVpa } from '../api/vpa.ts'
import { checkTarget, selectorOfTarget } from './target-check.ts'
import type { ObjectRef, WorkloadAnswer } from './workload.ts'

const selector = { matchLabels: { app: 'web' } }

function lookup(namespace: string, ref: ObjectRef): WorkloadAnswer {
  const workload = { ...ref, namespace, owners: [], selector }
  switch (`${ref.kind}/${ref.name}`) {
    case 'Deployment/web':
    case 'Rollout/shop':
      return { found: workload }
    case 'ReplicaSet/web-7c9':
      return { found: { ...workload, owners: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true }] } }
    case 'ReplicaSet/orphan':
      return { found: { ...workload, owners: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'lost', controller: true }] } }
    case 'Rollout/new':
      return { found: { ...ref, namespace, owners: [] } }
    case 'CronJob/bare':
      return { found: { ...ref, namespace, owners: [] } }
    default:
      return { missing: 'not-found', message: `${ref.kind} ${namespace}/${ref.name} does not exist` }
  }
}

function vpa(targetRef?: object) {
  return projectVpa({ metadata: { namespace: 'kong', name: 'vpa' }, spec: { targetRef } })
}

test.for([
  ['no target', vpa(), 'targetRef not defined. If this is a v1beta1 object, switch to v1'],
  ['a Deployment that is not there', vpa({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'lost' }), 'Deployment kong/lost does not exist'],
  ['a CronJob whose pods have no labels', vpa({ apiVersion: 'batch/v1', kind: 'CronJob', name: 'bare' }), 'CronJob kong/bare has no selector'],
  [
    'a scale subresource that tells no selector',
    vpa({ apiVersion: 'argoproj.io/v1', kind: 'Rollout', name: 'new' }),
    'unhandled targetRef argoproj.io/v1 / Rollout / new, last error resource kong/new has an empty selector for scale sub-resource',
  ],
  [
    'a kind that is not known',
    vpa({ apiVersion: 'example.com/v1', kind: 'Gear', name: 'g' }),
    'unhandled targetRef example.com/v1 / Gear / g, last error Gear kong/g does not exist',
  ],
] as const)('%s has no selector', ([, vpa, failed]) => {
  expect(selectorOfTarget(vpa, lookup)).toEqual({ failed })
  expect(checkTarget(vpa, lookup)).toEqual({ unsupported: `Cannot read targetRef. Reason: ${failed}` })
})

test.for([
  ['a Deployment', vpa({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }), { selector }],
  ['a Deployment under a wrong API version', vpa({ apiVersion: 'v1', kind: 'Deployment', name: 'web' }), { selector }],
  ['a custom resource with scale', vpa({ apiVersion: 'argoproj.io/v1', kind: 'Rollout', name: 'shop' }), { selector }],
  [
    'a ReplicaSet of a Deployment',
    vpa({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7c9' }),
    { unsupported: 'The target apps/v1.ReplicaSet/web-7c9 has a parent controller but it should point to a topmost well-known or scalable controller' },
  ],
  [
    'a ReplicaSet whose Deployment is gone',
    vpa({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'orphan' }),
    {
      unsupported:
        'Error checking if target apps/v1.ReplicaSet/orphan is a topmost well-known or scalable controller: Deployment kong/lost does not exist',
    },
  ],
] as const)('%s as a target', ([, vpa, expected]) => {
  expect(checkTarget(vpa, lookup)).toEqual(expected)
})
