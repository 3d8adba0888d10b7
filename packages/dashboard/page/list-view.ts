import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import type { ListAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import type { VpaSummary } from '@vpa/core/advise/vpa-summary.ts'
import { amountText, changeText, countText, moneyText } from '@vpa/core/advise/words.ts'
import { element, renew } from './element.ts'
import { ListFilter } from './list-filter.ts'
import { ListHeadings } from './list-headings.ts'
import { listTiles } from './list-tiles.ts'
import { type ListRoute, listHash, parseRoute, vpaHash } from './route.ts'
import { severityBadge } from './severity-badge.ts'

/** All VPAs: what they come to, a filter, a table of one page of them, and the way to other pages. */
export class ListView {
  readonly root: HTMLElement
  readonly #tiles = element('div', { class: 'tiles' })
  readonly #headings = new ListHeadings((changes) => this.#go(changes))
  readonly #body = element('tbody')
  readonly #empty = element('div')
  readonly #pager = element('nav', { class: 'pager', 'aria-label': 'Pages' })
  readonly #filter = new ListFilter((changes) => this.#go(changes))
  readonly #table: HTMLElement
  #query: ListRoute = {}

  constructor() {
    const head = element('thead', {}, this.#headings.root)
    this.#table = element('div', { class: 'scroll' }, element('table', { class: 'vpas' }, element('caption', { class: 'unseen' }, 'VerticalPodAutoscalers; the buttons in the headings sort'), head, this.#body))
    this.root = element('div', {}, element('h1', { class: 'unseen', tabindex: -1 }, 'VerticalPodAutoscalers'), this.#tiles, this.#filter.root, this.#table, this.#empty, this.#pager)
  }

  /** The address of the list as it is now. */
  get hash(): string {
    return listHash(this.#query)
  }

  update(answer: ListAnswer, query: ListRoute): void {
    this.#query = query
    const { rows, matching, totals, prices } = answer
    renew(this.#tiles, ...listTiles(answer, query.severity, (severity) => this.#go({ severity })))
    this.#filter.update(answer, query)
    this.#headings.update(query)
    renew(this.#body, ...rows.map((row) => rowOf(row, prices.currency)))
    this.#table.hidden = matching === 0
    renew(this.#empty, ...(matching > 0 ? [] : [emptyNote(totals.vpas === 0 && Object.keys(query).every((key) => key === 'sort' || key === 'direction'))]))
    renew(this.#pager, ...this.#pages(answer))
  }

  #pages({ page, pages, matching }: ListAnswer): readonly HTMLElement[] {
    if (pages === 1) return []
    const link = (text: string, to: number) =>
      to < 1 || to > pages ? element('span', { class: 'button off', 'aria-disabled': 'true' }, text) : element('a', { class: 'button', href: listHash({ ...this.#query, page: String(to) }), 'data-key': text }, text)
    return [link('Previous', page - 1), element('span', {}, `Page ${page.toLocaleString('en-US')} of ${pages.toLocaleString('en-US')} · ${countText(matching, 'VPA')}`), link('Next', page + 1)]
  }

  /** Another choice begins on the first page. The way back does not lead through every letter of a search. */
  #go(changes: ListRoute): void {
    // Who has gone on to a VPA while still typing does not want to be brought back.
    if (parseRoute(location.hash).page !== 'list') return
    const hash = listHash({ ...this.#query, page: '', ...changes })
    if ('text' in changes) location.replace(hash)
    else location.assign(hash)
  }
}

function emptyNote(isWithoutFilter: boolean): HTMLElement {
  if (!isWithoutFilter) return element('section', { class: 'empty' }, element('h2', {}, 'No VPA matches'), element('p', {}, 'Change the filter above, or ', element('a', { href: '#/vpas' }, 'show all'), '.'))
  const create = element('code', {}, 'kubectl vpa create --all -n NAMESPACE --mode Off --apply')
  return element('section', { class: 'empty' }, element('h2', {}, 'There are no VPAs yet'), element('p', {}, 'Make one for each workload of a namespace, which only recommends:'), element('p', {}, create))
}

function rowOf(summary: VpaSummary, currency: string): HTMLElement {
  const { namespace, name, target, mode, pods, severity, why, monthly, resources, oomKills } = summary
  const saving = moneyText(monthly.saving, currency)
  const share = monthly.now > 0 ? changeText(-monthly.saving / monthly.now) : ''
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, element('a', { href: vpaHash(summary), 'data-key': `${namespace}/${name}` }, name), element('span', { class: 'note' }, target ? `${namespace} · ${target.kind}/${target.name}` : `${namespace} · no target`)),
    element('td', {}, mode),
    element('td', { class: 'number' }, String(pods)),
    ...RESOURCES.map((resource) => amountsCell(resource, resources[resource])),
    element('td', { class: `number ${monthly.saving >= 0.005 ? 'saves' : ''}` }, saving, element('span', { class: 'note' }, share)),
    element('td', {}, severityBadge(severity), element('span', { class: 'note' }, [why, ...(oomKills > 0 && !why.includes('ran out') ? [`${countText(oomKills, 'OOM')}`] : [])].filter(Boolean).join(', '))),
  )
}

/** Request and target as numbers, and as two bars of which the longer one fills the cell. */
function amountsCell(resource: Resource, { request, target }: VpaSummary['resources'][Resource]): HTMLElement {
  const most = Math.max(request ?? 0, target ?? 0)
  const bar = (kind: string, amount = 0) => {
    const made = element('i', { class: kind })
    made.style.width = `${most === 0 ? 0 : (100 * amount) / most}%`
    return made
  }
  if (request === undefined && target === undefined) return element('td', { class: 'number' }, '–')
  const change = request && target !== undefined ? changeText((target - request) / request) : ''
  const amounts = [`${amountText(resource, request)} `, element('span', { class: 'arrow' }, '→'), ` ${amountText(resource, target)}`]
  return element('td', { class: 'number' }, ...amounts, element('span', { class: 'note compared' }, element('span', { class: 'bars', 'aria-hidden': 'true' }, bar('request', request), bar('target', target)), change))
}
