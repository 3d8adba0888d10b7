import { expect, test } from 'vitest'
import { PODS, objectPath, pathOf } from './resources.ts'

test('neither name nor namespace leads elsewhere: whoever asks the webhook chooses both', () => {
  expect(objectPath(PODS, { namespace: 'a/../../secrets?x#', name: '../b' })).toBe('/api/v1/namespaces/a%2F..%2F..%2Fsecrets%3Fx%23/pods/..%2Fb')
  expect(pathOf(PODS, 'a/b')).toBe('/api/v1/namespaces/a%2Fb/pods')
  expect(pathOf(PODS)).toBe('/api/v1/pods')
})

test.for(['.', '..'])('%s is no name: whatever is between us and the API server would shorten the path', (name) => {
  expect(() => objectPath(PODS, { namespace: 'ns', name })).toThrow(`expected the name of an object; got "${name}"`)
  expect(() => pathOf(PODS, name)).toThrow(`expected the name of an object; got "${name}"`)
})
