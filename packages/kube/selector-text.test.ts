import { formatSelector } from '@vpa/core/selector.ts'
import { expect, test } from 'vitest'
import { parseSelector } from './selector-text.ts'

test.for([
  ['app=web', 'app in (web)'],
  ['app==web,tier!=db', 'app in (web),tier notin (db)'],
  ['app in (a, b),tier notin (c),!canary,ready', 'app in (a,b),!canary,ready,tier notin (c)'],
  ['example.com/app=', 'example.com/app in ()'],
] as const)('%s', ([text, canonical]) => {
  expect(formatSelector(parseSelector(text)!)).toBe(canonical)
})

test.for(['', 'a=b=c', 'a in b', ',', 'a b', 'a in (b'])('%j is not a selector', (text) => {
  expect(parseSelector(text)).toBeUndefined()
})
