import type { VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import type { Mark } from '@vpa/core/advise/mark.ts'
import { ageText, countText, moneyText } from '@vpa/core/advise/words.ts'
import { ContainerSection } from './container-section.ts'
import { element, renew } from './element.ts'
import { severityBadge } from './severity-badge.ts'

/** One VPA: what is in its way, its containers over time and why, what happened, and its conditions. */
export class VpaPage {
  readonly root: HTMLElement
  readonly #head = element('header', { class: 'vpa' })
  readonly #hindrances = element('div')
  readonly #containers = element('div')
  readonly #tail = element('div', { class: 'tables' })
  readonly #sections = new Map<string, ContainerSection>()

  /** @param back the address of the list as it was left */
  constructor(back: string) {
    const way = element('nav', { 'aria-label': 'Way back', class: 'back' }, element('a', { href: back }, '← All VPAs'))
    this.root = element('div', {}, way, this.#head, this.#hindrances, this.#containers, this.#tail)
  }

  update(answer: VpaAnswer): void {
    if (this.#head.childElementCount === 0) this.#head.append(element('h1', { tabindex: -1 }, `${answer.summary.namespace}/${answer.summary.name}`), element('p'))
    renew(this.#head.lastElementChild as HTMLElement, ...headLine(answer))
    renew(this.#hindrances, ...hindrancesOf(answer))
    this.#updateContainers(answer)
    renew(this.#tail, marksTable(answer), conditionsTable(answer))
  }

  /** Plots need to be in the document to know their width. */
  draw(): void {
    for (const section of this.#sections.values()) section.draw()
  }

  dispose(): void {
    for (const section of this.#sections.values()) section.dispose()
  }

  #updateContainers(answer: VpaAnswer): void {
    const names = answer.containers.map(({ name }) => name)
    for (const [name, section] of this.#sections) {
      if (names.includes(name)) continue
      section.dispose()
      section.root.remove()
      this.#sections.delete(name)
    }
    for (const container of answer.containers) {
      const section = this.#sections.get(container.name) ?? new ContainerSection(container.name)
      this.#sections.set(container.name, section)
      if (!section.root.isConnected) this.#containers.append(section.root)
      section.update(container, answer)
    }
    const note = this.#containers.querySelector('.empty')
    if (names.length > 0) note?.remove()
    else if (note === null) this.#containers.append(element('section', { class: 'empty' }, element('h2', {}, 'No containers'), element('p', {}, 'Its target has no pods now, and nothing was recommended before.')))
  }
}

function headLine({ summary, prices }: VpaAnswer): readonly (HTMLElement | string)[] {
  const { target, mode, pods, monthly, severity } = summary
  const money = Math.abs(monthly.saving) < 0.005 ? '' : monthly.saving > 0 ? ` · could save ${moneyText(monthly.saving, prices.currency)} a month` : ` · would cost ${moneyText(-monthly.saving, prices.currency)} more a month`
  return [severityBadge(severity), ` ${target ? `${target.kind}/${target.name}` : 'no target'} · mode ${mode} · ${countText(pods, 'pod')}${money}`]
}

function hindrancesOf({ hindrances }: VpaAnswer): readonly HTMLElement[] {
  if (hindrances.length === 0) return []
  const items = hindrances.map(({ what, message }) => element('li', {}, element('strong', {}, what), `: ${message}`))
  return [element('section', { class: 'hindrances', 'aria-label': 'In the way' }, element('h2', {}, 'In the way'), element('ul', {}, ...items))]
}

const KINDS: Readonly<Record<Mark['kind'], string>> = { eviction: 'Eviction', resize: 'Resize', oom: 'Out of memory' }

function marksTable({ marks, marksMissing, at }: VpaAnswer): HTMLElement {
  const rows = marks.slice(0, 20).map((mark) => element('tr', {}, element('td', {}, element('time', { datetime: new Date(mark.at).toISOString(), title: new Date(mark.at).toLocaleString() }, `${ageText(at - mark.at)} ago`)), element('td', {}, element('span', { class: `mark ${mark.kind}` }, KINDS[mark.kind])), element('td', {}, mark.text)))
  return element(
    'section',
    {},
    element('h2', {}, 'What happened'),
    rows.length > 0 ? tableOf(['When', 'What', ''], rows) : element('p', { class: 'note' }, 'No eviction, resize or OOM lately. Events are kept for an hour.'),
    marksMissing === undefined ? undefined : element('p', { class: 'note' }, marksMissing),
  )
}

function conditionsTable({ conditions, at }: VpaAnswer): HTMLElement {
  const rows = conditions.map(({ type, status, reason, message, since }) => element('tr', {}, element('td', {}, `${type} ${status}`), element('td', {}, since === undefined ? '' : `${ageText(at - since)} ago`), element('td', {}, message || reason)))
  return element('section', {}, element('h2', {}, 'Conditions'), rows.length > 0 ? tableOf(['Condition', 'Since', 'Message'], rows) : element('p', { class: 'note' }, 'None: no recommender has looked at this VPA yet.'))
}

function tableOf(titles: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  return element('table', { class: 'plain' }, element('thead', {}, element('tr', {}, ...titles.map((title) => (title === '' ? element('td') : element('th', { scope: 'col' }, title))))), element('tbody', {}, ...rows))
}
