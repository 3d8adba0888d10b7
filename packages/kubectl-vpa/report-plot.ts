import type { Resource } from '@vpa/core/amount.ts'
import type { ContainerAdvice } from '@vpa/core/advise/container-advice.ts'
import { BarChart } from 'echarts/charts'
import { GridComponent, LegendComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { amountText, moneyText } from '@vpa/core/advise/words.ts'

use([BarChart, GridComponent, LegendComponent, SVGRenderer])

export interface Plot {
  readonly title: string
  /** The same in words. */
  readonly words: string
  readonly svg: string
}

/** More than these would not be read. */
const MOST_BARS = 12
const WIDTH = 560
/** To be read on white and on black. */
const COLOURS = { saving: '#2e9e5b', cost: '#d1495b', request: '#8c8c8c', target: '#3b82f6' } as const

/** What could be saved a month, by container; what would cost more points the other way. */
export function savingPlot(containers: readonly ContainerAdvice[], currency: string): Plot | undefined {
  const bars = containers.toSorted((a, b) => Math.abs(b.monthly.saving) - Math.abs(a.monthly.saving)).filter(({ monthly }) => Math.abs(monthly.saving) >= 0.01).slice(0, MOST_BARS)
  if (bars.length === 0) return undefined
  const ordered = bars.toSorted((a, b) => a.monthly.saving - b.monthly.saving)
  const svg = draw(ordered, (value) => moneyText(value, currency), [
    { type: 'bar', barMaxWidth: 16, data: ordered.map(({ monthly: { saving } }) => ({ value: saving, itemStyle: { color: saving >= 0 ? COLOURS.saving : COLOURS.cost } })) },
  ])
  return { title: 'Saved a month', words: `Saved a month: ${ordered.toReversed().map((advice) => `${labelOf(advice)} ${moneyText(advice.monthly.saving, currency)}`).join(', ')}`, svg }
}

/** What each pod's container requests, and what it should, for the greatest differences. */
export function requestPlot(containers: readonly ContainerAdvice[], resource: Resource): Plot | undefined {
  const difference = ({ resources }: ContainerAdvice) => Math.abs((resources[resource].target ?? 0) - (resources[resource].request ?? 0))
  const known = containers.filter(({ pods, resources }) => pods > 0 && resources[resource].target !== undefined)
  const bars = known.toSorted((a, b) => difference(b) - difference(a)).slice(0, MOST_BARS).toReversed()
  if (bars.length === 0) return undefined
  const amount = (value: number | undefined) => amountText(resource, value)
  const series = (name: 'request' | 'target') => ({ name, type: 'bar', barMaxWidth: 9, itemStyle: { color: COLOURS[name] }, data: bars.map(({ resources }) => resources[resource][name] ?? 0) })
  const title = resource === 'cpu' ? 'CPU of a pod' : 'Memory of a pod'
  const words = bars.toReversed().map((advice) => `${labelOf(advice)} requests ${amount(advice.resources[resource].request)}, target ${amount(advice.resources[resource].target)}`)
  return { title, words: `${title}: ${words.join('; ')}`, svg: draw(bars, amount, [series('target'), series('request')], resource === 'memory' ? memoryScale(bars) : {}) }
}

/** Steps that are round in binary units: 128Mi, 256Mi, ... */
function memoryScale(bars: readonly ContainerAdvice[]): { readonly interval: number; readonly max: number } {
  const greatest = Math.max(1, ...bars.flatMap(({ resources: { memory } }) => [memory.request ?? 0, memory.target ?? 0]))
  const interval = 2 ** Math.round(Math.log2(greatest / 4))
  return { interval, max: interval * Math.ceil(greatest / interval) }
}

function draw(bars: readonly ContainerAdvice[], valueText: (value: number) => string, series: readonly object[], scale: object = {}): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: 70 + 26 * bars.length })
  const text = { color: 'currentColor' }
  const option: EChartsCoreOption = {
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    // The width of a label is an estimate: no font is known here. On the left there is room for those that come out wider.
    grid: { left: 28, right: 24, top: 28, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    legend: { show: series.length > 1, top: 0, textStyle: text },
    xAxis: { type: 'value', splitNumber: 4, ...scale, axisLabel: { ...text, formatter: valueText, hideOverlap: true }, splitLine: { lineStyle: { color: '#8884' } } },
    yAxis: { type: 'category', data: bars.map(labelOf), axisLabel: { ...text, width: 170, overflow: 'truncate' }, axisTick: { show: false } },
    series,
  }
  try {
    chart.setOption(option)
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

function labelOf({ vpa, container }: ContainerAdvice): string {
  return vpa === container ? vpa : `${vpa}/${container}`
}
