import type uPlot from 'uplot'
import type { Resource } from '@vpa/core/amount.ts'
import { amountText } from '@vpa/core/advise/words.ts'

/** An axis from 0 with about four steps that are round in the resource's own units: 250m, 500m; 128Mi, 256Mi. */
export function amountScale(resource: Resource, greatest: number): Pick<uPlot.Axis, 'splits' | 'values'> {
  const step = resource === 'memory' ? 2 ** Math.round(Math.log2(greatest / 4)) : roundStep(greatest / 4)
  const splits = Array.from({ length: Math.floor(greatest / step) + 1 }, (_, index) => index * step)
  return { splits: () => splits, values: (_, values) => values.map((value) => (value === 0 ? '0' : amountText(resource, value))) }
}

/** 1, 2, 2.5 or 5 times a power of ten, the nearest one below or above. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(step, 1)))
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= step) ?? 10
  return Math.max(1, factor * power)
}
