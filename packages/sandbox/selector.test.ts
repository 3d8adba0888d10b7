import { matchesSelector } from '@vpa/core/selector.ts'
import { expect, test } from 'vitest'
import { PODS } from './kind.ts'
import type { KubeObject } from './object.ts'
import { parseFieldSelector, parseLabelSelector } from './selector.ts'

test.for([
  ['', true],
  ['app=web', true],
  ['app==web,tier!=db', true],
  ['app in (web, api),tier notin (db)', true],
  ['app,!canary', true],
  ['!app', false],
  ['app=', false],
  ['example.com/part=x', false],
] as const)('labels app=web, tier=front: %j is %s', ([text, expected]) => {
  expect(matchesSelector(parseLabelSelector(text), { app: 'web', tier: 'front' })).toBe(expected)
})

test('what is no requirement is refused by its text', () => {
  expect(() => parseLabelSelector('app=web,=x')).toThrow('unable to parse requirement: =x')
})

test.for([
  ['status.phase=Running', true],
  ['status.phase!=Pending,spec.nodeName!=', true],
  ['spec.nodeName=', false],
  ['status.nominatedNodeName=', true],
] as const)('a running pod on a node: %j is %s', ([text, expected]) => {
  const pod = { spec: { nodeName: 'n' }, status: { phase: 'Running' } } as unknown as KubeObject
  expect(parseFieldSelector(text, PODS)(pod)).toBe(expected)
})
