import { expect, test } from 'vitest'
import { meansOf, slopeErrorOf, slopeOf } from './linear-fit.ts'

test.for([
  ['a line', [[0, 1], [1, 3], [2, 5]], 2],
  ['noise around a level', [[0, 1], [1, -1], [2, -1], [3, 1]], 0],
  ['one point', [[5, 5]], 0],
  ['none', [], 0],
] as const)('%s', ([, points, slope]) => {
  expect(slopeOf(points.map(([x, y]) => ({ x, y })))).toBe(slope)
})

test.for([
  ['points on a line', [[0, 1], [1, 3], [2, 5]], 0],
  ['noise', [[0, 1], [1, -1], [2, -1], [3, 1]], Math.sqrt(4 / 2 / 5)],
  ['two points', [[0, 1], [1, 3]], Infinity],
] as const)('the error of %s', ([, points, error]) => {
  expect(slopeErrorOf(points.map(([x, y]) => ({ x, y })))).toBeCloseTo(error, 9)
})

test.for([
  ['as many as parts', [[0, 1], [1, 3]], [[0, 1], [1, 3]]],
  ['twice as many as parts', [[0, 1], [1, 3], [2, 10], [3, 20]], [[0.5, 2], [2.5, 15]]],
  ['a part that has one more', [[0, 1], [1, 3], [2, 5], [3, 7], [4, 9]], [[0.5, 2], [3, 7]]],
] as const)('means in two parts of %s', ([, points, means]) => {
  expect(meansOf(points.map(([x, y]) => ({ x, y })), 2)).toEqual(means.map(([x, y]) => ({ x, y })))
})
