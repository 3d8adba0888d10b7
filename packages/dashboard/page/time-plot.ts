import uPlot from 'uplot'
import type { Amount, Resource } from '@vpa/core/amount.ts'
import type { Mark } from '@vpa/core/advise/mark.ts'
import type { ResourceView } from '@vpa/core/advise/vpa-view.ts'
import { amountText } from '@vpa/core/advise/words.ts'
import type { ResourceSeries, Series } from '@vpa/core/timeline/timeline.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import { element, renew } from './element.ts'
import { amountScale } from './amount-scale.ts'
import { marksPlugin, markText } from './plot-marks.ts'
import { type Drawing, PlotFrame } from './plot-frame.ts'
import { axis, colour } from './plot-theme.ts'
import { SeriesTable } from './series-table.ts'

/** What is drawn, in the order in which it is: the last one lies on top. */
const LINES = [
  { name: 'upperBound', title: 'Upper bound', colour: 'bounds' },
  { name: 'lowerBound', title: 'Lower bound', colour: 'bounds' },
  { name: 'limit', title: 'Limit', colour: 'limit', dash: [2, 4] },
  { name: 'request', title: 'Request', colour: 'request', dash: [7, 4] },
  { name: 'target', title: 'Target', colour: 'target' },
  { name: 'average', title: 'Average usage', colour: 'average' },
  { name: 'usage', title: 'Usage', colour: 'usage' },
] as const
type Line = (typeof LINES)[number]

const HEIGHT = 240

/** Usage, request, limit, target and bounds over time, with marks; the same as a table, and point by point with the arrow keys. */
export class TimePlot {
  readonly root: HTMLElement
  readonly #resource: Resource
  readonly #box: HTMLElement
  readonly #legend = element('p', { class: 'legend' })
  readonly #reading = element('input', { type: 'range', class: 'reading', min: 0, step: 1, value: 0 })
  readonly #table = new SeriesTable()
  readonly #note = element('p', { class: 'note' })
  readonly #frame: PlotFrame
  #series: Series | undefined
  #marks: readonly Mark[] = []
  #greatest = 1
  /** Where somebody has moved to; undefined for the newest point, whatever comes. */
  #chosenTime: EpochMs | undefined

  constructor(resource: Resource, container: string) {
    this.#resource = resource
    this.#box = element('div', { class: 'plot', role: 'img' })
    this.#reading.setAttribute('aria-label', `${resource === 'cpu' ? 'CPU' : 'Memory'} of container ${container}: point in time`)
    this.#reading.addEventListener('input', () => this.#choose(Number(this.#reading.value)))
    this.root = element('figure', {}, element('figcaption', {}, 'Over time'), this.#box, this.#reading, this.#legend, this.#note, this.#table.root)
    this.#frame = new PlotFrame(this.#box, HEIGHT, () => this.#options())
  }

  update(series: Series | undefined, view: ResourceView, marks: readonly Mark[]): void {
    this.#series = series
    this.#marks = marks
    const known = series !== undefined && series[this.#resource].usage.some((value) => isKnown(value))
    for (const part of [this.#box, this.#reading, this.#legend, this.#table.root]) part.hidden = !known
    const hidden = known ? this.#scale(series[this.#resource]) : undefined
    renew(this.#note, known ? hidden : 'Nothing has been recorded yet: usage is followed from the start of the recommender on, for a day.')
    if (!known) return
    this.#box.setAttribute('aria-label', this.#words(series, view))
    this.#reading.max = String(series.times.length - 1)
    this.#table.update(this.#resource, series, this.#lines(series[this.#resource]))
  }

  draw(): void {
    this.#frame.draw()
  }

  dispose(): void {
    this.#frame.dispose()
  }

  #lines(series: ResourceSeries): readonly Line[] {
    return LINES.filter(({ name }) => series[name]?.some((value) => isKnown(value)))
  }

  /** Bounds and limits may be far away from what is used; then they are told instead of drawn. */
  #scale(series: ResourceSeries): string | undefined {
    const most = (name: Line['name']) => Math.max(0, ...(series[name] ?? []).filter((value) => isKnown(value)))
    const core = Math.max(most('usage'), most('request'), most('target'), 1)
    const outside = (['limit', 'upperBound'] as const).filter((name) => most(name) > 2.5 * core)
    const inside = (['limit', 'upperBound'] as const).filter((name) => !outside.includes(name))
    this.#greatest = 1.08 * Math.max(core, ...inside.map((name) => most(name)))
    const last = (name: Line['name']) => amountText(this.#resource, series[name]?.findLast((value) => isKnown(value)))
    return outside.length === 0 ? undefined : `Beyond the plot: ${outside.map((name) => `${titleOf(name).toLowerCase()} ${last(name)}`).join(', ')}.`
  }

  #options(): Drawing | undefined {
    const series = this.#series
    if (series === undefined || this.#box.hidden) return undefined
    const own = series[this.#resource]
    const lines = this.#lines(own)
    const data: uPlot.AlignedData = [series.times.map((time) => time / 1000), ...lines.map(({ name }) => (own[name] ?? []).map((value) => value ?? null))]
    const stepped = uPlot.paths.stepped?.({ align: 1 })
    const band = lines.some(({ name }) => name === 'lowerBound') && lines[0]?.name === 'upperBound' ? [{ series: [1, 2] as [number, number], fill: colour('bounds', 0.13) }] : []
    const drawn = lines.map(({ name, colour: of, ...line }): uPlot.Series => {
      const isUsage = name === 'usage' || name === 'average'
      const width = of === 'bounds' ? 0.75 : name === 'average' ? 1 : 2
      return { stroke: colour(of), width, points: { show: isUsage && series.times.length < 4 }, spanGaps: false, ...('dash' in line && { dash: [...line.dash] }), ...(!isUsage && stepped && { paths: stepped }) }
    })
    const ink = axis()
    return {
      data,
      options: {
        series: [{}, ...drawn],
        bands: band,
        scales: { x: { time: true }, y: { range: [0, this.#greatest] } },
        padding: [10, 12, 0, 0],
        axes: [{ ...ink, size: 34, values: timeLabels, space: 70 }, { ...ink, size: 62, ...amountScale(this.#resource, this.#greatest) }],
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        hooks: { ready: [() => this.#read(this.#chosenIndex(series))], setCursor: [({ cursor: { idx } }) => this.#tell(idx ?? this.#chosenIndex(series))] },
        plugins: [marksPlugin(() => this.#marks)],
      },
    }
  }

  #choose(index: number): void {
    const times = this.#series?.times ?? []
    this.#chosenTime = index === times.length - 1 ? undefined : times[index]
    this.#read(index)
  }

  /** The oldest points go in time. */
  #chosenIndex({ times }: Series): number {
    const chosen = this.#chosenTime
    return chosen === undefined ? times.length - 1 : Math.max(0, times.findLastIndex((time) => time <= chosen))
  }

  /** Moves the cursor of the plot to this point, for those who use no mouse. */
  #read(index: number): void {
    this.#reading.value = String(index)
    this.#tell(index)
    const { plot } = this.#frame
    const time = this.#series?.times[index]
    if (plot && time !== undefined && document.activeElement === this.#reading) plot.setCursor({ left: plot.valToPos(time / 1000, 'x'), top: 1 }, false)
  }

  /** The legend says the values at this point. */
  #tell(index: number): void {
    const series = this.#series
    const time = series?.times[index]
    if (series === undefined || time === undefined) return
    const own = series[this.#resource]
    const values = this.#lines(own).toReversed().map(({ name, title, colour: of }) => ({ name, title, of, value: amountText(this.#resource, own[name]?.[index] ?? undefined) }))
    const clock = new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    renew(this.#legend, element('span', { class: 'time' }, clock), ...values.map(({ title, name, of, value }) => element('span', { class: 'key' }, element('i', { class: `swatch ${of} ${name}` }), `${title} `, element('b', {}, value))), ...markText(this.#marks))
    this.#reading.setAttribute('aria-valuetext', `${clock}: ${values.map(({ title, value }) => `${title} ${value}`).join(', ')}`)
  }

  #words({ times }: Series, { usage, request, limit, target, lowerBound, upperBound }: ResourceView): string {
    const amount = (value: number | undefined) => amountText(this.#resource, value)
    const from = new Date(times[0] ?? 0).toLocaleString()
    return `Plot since ${from}. Now: usage ${amount(usage)}, request ${amount(request)}, limit ${amount(limit)}, target ${amount(target)}, bounds ${amount(lowerBound)} to ${amount(upperBound)}. The table below has all values.`
  }
}

function isKnown(value: Amount | null | undefined): value is Amount {
  return value !== null && value !== undefined
}

function titleOf(name: Line['name']): string {
  return LINES.find((line) => line.name === name)?.title ?? name
}

function timeLabels(_: uPlot, splits: readonly number[]): string[] {
  return splits.map((seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))
}
