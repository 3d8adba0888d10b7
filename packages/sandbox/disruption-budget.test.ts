import { expect, test } from 'vitest'
import { type DisruptionBudget, budgetStatus } from './disruption-budget.ts'
import { PODS } from './kind.ts'
import type { Pod } from './object.ts'
import { Storage } from './storage.ts'

const metadata = (name: string) => ({ name, namespace: 'n', uid: name, resourceVersion: '', creationTimestamp: '', labels: { app: 'web' } })

test.for([
  ['minAvailable 2 of 3', { minAvailable: 2 }, { desiredHealthy: 2, disruptionsAllowed: 1 }],
  ['minAvailable 50 % of 3 is 2', { minAvailable: '50%' }, { desiredHealthy: 2, disruptionsAllowed: 1 }],
  ['maxUnavailable 1 of 3', { maxUnavailable: 1 }, { desiredHealthy: 2, disruptionsAllowed: 1 }],
  ['maxUnavailable 0 of 3', { maxUnavailable: 0 }, { desiredHealthy: 3, disruptionsAllowed: 0 }],
  ['minAvailable 100 % of 3', { minAvailable: '100%' }, { desiredHealthy: 3, disruptionsAllowed: 0 }],
] as const)('%s', ([, rule, expected]) => {
  const storage = new Storage()
  for (const name of ['a', 'b', 'c']) {
    const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: metadata(name), spec: { containers: [] }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
    storage.put(PODS, pod)
  }
  const budget: DisruptionBudget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: metadata('p'), spec: { ...rule, selector: { matchLabels: { app: 'web' } } } }
  expect(budgetStatus(budget, storage)).toMatchObject({ expectedPods: 3, currentHealthy: 3, ...expected })
})
