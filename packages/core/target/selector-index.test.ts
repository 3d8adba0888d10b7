import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LabelSelector, matchesSelector } from '../selector.ts'
import { SelectorIndex } from './selector-index.ts'

test('finds in its namespace what matchesSelector finds by looking at all', () => {
  const key = fc.constantFrom('a', 'b', 'c')
  const labels = fc.dictionary(key, fc.constantFrom('1', '2'))
  const expression = fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) })
  const selector: fc.Arbitrary<LabelSelector> = fc.record({ matchLabels: labels, matchExpressions: fc.array(expression, { maxLength: 1 }) })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('x', 'y'), selector), { maxLength: 8 }), labels, (selectors, labels) => {
      const index = new SelectorIndex<number>()
      for (const [id, [namespace, selector]] of selectors.entries()) index.add(namespace, selector, id)
      const expected = [...selectors.entries()].filter(([, [namespace, selector]]) => namespace === 'x' && matchesSelector(selector, labels)).map(([id]) => id)
      expect(index.matching('x', labels).toSorted()).toEqual(expected)
    }),
  )
})
