import type { Resource } from '@vpa/core/amount.ts'
import { amountText } from '@vpa/core/advise/words.ts'
import type { ResourceSeries, Series } from '@vpa/core/timeline/timeline.ts'
import { element, on, renew } from './element.ts'

type Column = { readonly name: keyof ResourceSeries; readonly title: string }

/** The values of a plot as a table, the latest first; filled when somebody opens it. */
export class SeriesTable {
  readonly root: HTMLDetailsElement
  readonly #table = element('table', { class: 'plain number' })
  #facts: { readonly resource: Resource; readonly series: Series; readonly columns: readonly Column[] } | undefined

  constructor() {
    this.root = element('details', {}, element('summary', {}, 'Values as a table'), element('div', { class: 'scroll', role: 'region', 'aria-label': 'Values', tabindex: 0 }, this.#table))
    on(this.root, 'toggle', () => this.#fill())
  }

  update(resource: Resource, series: Series, columns: readonly Column[]): void {
    this.#facts = { resource, series, columns: columns.toReversed() }
    this.#fill()
  }

  #fill(): void {
    if (!this.root.open || this.#facts === undefined) return
    const { resource, series, columns } = this.#facts
    const head = element('tr', {}, element('th', { scope: 'col' }, 'Time'), ...columns.map(({ title }) => element('th', { scope: 'col' }, title)))
    const rows = series.times.map((time, index) => element('tr', {}, element('th', { scope: 'row' }, new Date(time).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })), ...columns.map(({ name }) => element('td', {}, amountText(resource, series[resource][name]?.[index] ?? undefined)))))
    renew(this.#table, element('thead', {}, head), element('tbody', {}, ...rows.toReversed()))
  }
}
