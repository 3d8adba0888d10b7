import { expect, test } from 'vitest'
import type { ContainerPolicy } from '../api/vpa.ts'
import { controlledResourcesOf, policyFor } from './container-policy.ts'

const named = (containerName: string, mode: string) => ({ containerName, mode }) as ContainerPolicy

test.for([
  ['the first entry of the name wins', [named('app', 'first'), named('app', 'second')], 'first'],
  ['a name wins over the wildcard before it', [named('*', 'wildcard'), named('app', 'named')], 'named'],
  ['the last wildcard wins', [named('*', 'first'), named('other', 'other'), named('*', 'last')], 'last'],
  ['other names say nothing', [named('other', 'other')], undefined],
  ['no policies', undefined, undefined],
] as const)('%s', ([, policies, expected]) => {
  expect(policyFor(policies, 'app')?.mode).toBe(expected)
})

test('a policy that controls nothing is not one that says nothing', () => {
  expect(controlledResourcesOf({ controlledResources: [] as string[] } as ContainerPolicy)).toEqual([])
  expect(controlledResourcesOf(undefined)).toEqual(['cpu', 'memory'])
})
