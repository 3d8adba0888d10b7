import { expect, test } from 'vitest'
import { projectVpa } from '../api/vpa.ts'
import { isResponsible } from './responsibility.ts'

test.for([
  ['default', undefined, true],
  ['default', [], true],
  ['default', ['default'], true],
  ['default', ['mine'], false],
  ['mine', undefined, false],
  ['mine', ['mine'], true],
  ['mine', ['other', 'mine'], true],
] as const)('recommender %s, VPA of %j: %s', ([name, recommenders, expected]) => {
  const vpa = projectVpa({ spec: { recommenders: recommenders?.map((name) => ({ name })) } })
  expect(isResponsible(name, vpa)).toBe(expected)
})
