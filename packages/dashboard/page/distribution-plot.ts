import uPlot from 'uplot'
import type { Resource } from '@vpa/core/amount.ts'
import type { Distribution } from '@vpa/core/advise/distribution.ts'
import { amountText, percentText } from '@vpa/core/advise/words.ts'
import { element, renew } from './element.ts'
import { type Drawing, PlotFrame } from './plot-frame.ts'
import { axis, colour } from './plot-theme.ts'

const HEIGHT = 240
const OF = { lowerBound: 'bounds', target: 'target', upperBound: 'bounds' } as const

/** How usage is spread over the buckets of the histogram, and the percentiles that target and bounds are made of. */
export class DistributionPlot {
  readonly root: HTMLElement
  readonly #resource: Resource
  readonly #box: HTMLElement
  readonly #legend = element('p', { class: 'legend' })
  readonly #note = element('p', { class: 'note' })
  readonly #frame: PlotFrame
  #distribution: Distribution | undefined

  constructor(resource: Resource, container: string) {
    this.#resource = resource
    this.#box = element('div', { class: 'plot', role: 'img', 'aria-label': `Distribution of container ${container}` })
    this.root = element('figure', {}, element('figcaption', {}, resource === 'cpu' ? 'Distribution of usage' : 'Distribution of peaks'), this.#box, this.#legend, this.#note)
    this.#frame = new PlotFrame(this.#box, HEIGHT, () => this.#options())
  }

  update(distribution: Distribution | undefined): void {
    this.#distribution = distribution
    for (const part of [this.#box, this.#legend]) part.hidden = distribution === undefined
    renew(this.#note, distribution === undefined ? 'No history here yet.' : undefined)
    if (distribution === undefined) return
    const words = distribution.percentiles.map(({ percentile, amount, of }) => ({ of, text: percentileText(percentile), value: amountText(this.#resource, amount) }))
    renew(this.#legend, ...words.map(({ of, text, value }) => element('span', { class: 'key' }, element('i', { class: `swatch ${OF[of]}` }), `${text} `, element('b', {}, value))))
    const [first, last] = [distribution.buckets[0], distribution.buckets.at(-1)]
    const heaviest = distribution.buckets.reduce((a, b) => (b.part > a.part ? b : a))
    const amount = (value: number | undefined) => amountText(this.#resource, value)
    this.#box.setAttribute('aria-label', `Distribution from ${amount(first?.from)} to ${amount(last?.to)}, most of it, ${percentText(heaviest.part)}, between ${amount(heaviest.from)} and ${amount(heaviest.to)}. ${words.map(({ text, value }) => `${text} ${value}`).join(', ')}.`)
  }

  draw(): void {
    this.#frame.draw()
  }

  dispose(): void {
    this.#frame.dispose()
  }

  /** A bar for each bucket, all equally wide, as the buckets grow with their amounts. */
  #options(): Drawing | undefined {
    const distribution = this.#distribution
    if (distribution === undefined) return undefined
    const { buckets } = distribution
    const ink = axis()
    const bars = uPlot.paths.bars?.({ size: [0.86, 40] })
    const edge = (split: number) => buckets[Math.min(Math.max(Math.round(split), 0), buckets.length - 1)]
    return {
      data: [buckets.map((_, index) => index), buckets.map(({ part }) => part)],
      options: {
        series: [{}, { fill: colour('usage', 0.6), stroke: colour('usage'), width: 0, points: { show: false }, ...(bars && { paths: bars }) }],
        scales: { x: { time: false, range: [-0.75, Math.max(buckets.length, 6) - 0.25] }, y: { range: (_, __, most) => [0, 1.2 * most] } },
        padding: [10, 12, 0, 0],
        axes: [
          { ...ink, size: 34, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50], space: 64, values: (_, splits) => splits.map((split) => (split >= 0 && split < buckets.length && Number.isInteger(split) ? amountText(this.#resource, edge(split)?.to) : '')) },
          { ...ink, size: 48, space: 40, values: (_, splits) => splits.map((split) => percentText(split)) },
        ],
        cursor: { show: false },
        hooks: { draw: [(plot) => drawPercentiles(plot, distribution)] },
      },
    }
  }
}

/** A percentile is the upper edge of a bucket, and lies between its bar and the next one. */
function drawPercentiles(plot: uPlot, { buckets, percentiles }: Distribution): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`
  ctx.textAlign = 'center'
  ctx.lineWidth = 1.5 * devicePixelRatio
  const row = 15 * devicePixelRatio
  const edgeOf = (amount: number) => buckets.findIndex(({ to }) => to >= amount)
  const edges = [...Map.groupBy(percentiles, ({ amount }) => edgeOf(amount))]
  let end = -Infinity
  let level = 0
  for (const [bucket, same] of edges) {
    const x = plot.valToPos((bucket < 0 ? buckets.length - 1 : bucket) + 0.5, 'x', true)
    const label = same.map(({ percentile }) => percentileText(percentile)).join(' ')
    const half = ctx.measureText(label).width / 2
    // Labels of neighbours would lie on each other.
    level = x - half < end ? level + 1 : 0
    end = x + half + 4 * devicePixelRatio
    ctx.strokeStyle = colour(OF[same.find(({ of }) => of === 'target')?.of ?? 'lowerBound'])
    ctx.fillStyle = colour('ink')
    ctx.beginPath()
    ctx.moveTo(x, bbox.top + (level + 1) * row)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    ctx.fillText(label, x, bbox.top + (level + 0.75) * row)
  }
  ctx.restore()
}

function percentileText(percentile: number): string {
  return `p${Number((100 * percentile).toFixed(1))}`
}
