import type { Resource } from '@vpa/core/amount.ts'
import type { Mark } from '@vpa/core/advise/mark.ts'
import type { ContainerView, ResourceView } from '@vpa/core/advise/vpa-view.ts'
import { amountText, changeText } from '@vpa/core/advise/words.ts'
import { DistributionPlot } from './distribution-plot.ts'
import { element, renew } from './element.ts'
import { TimePlot } from './time-plot.ts'

const TITLES: Readonly<Record<Resource, string>> = { cpu: 'CPU', memory: 'Memory' }

/** A resource of a container: numbers, usage over time, its distribution, and how the number came about. */
export class ResourcePanel {
  readonly root: HTMLElement
  readonly #resource: Resource
  readonly #facts = element('dl', { class: 'facts' })
  readonly #why = element('div', { class: 'why' })
  readonly #time: TimePlot
  readonly #distribution: DistributionPlot

  constructor(resource: Resource, container: string) {
    this.#resource = resource
    this.#time = new TimePlot(resource, container)
    this.#distribution = new DistributionPlot(resource, container)
    this.root = element('section', { class: 'panel', 'aria-label': `${TITLES[resource]} of container ${container}` }, element('div', { class: 'head' }, element('h3', {}, TITLES[resource]), this.#facts), element('div', { class: 'plots' }, this.#time.root, this.#distribution.root), this.#why)
  }

  update({ series, resources }: ContainerView, marks: readonly Mark[]): void {
    const view = resources[this.#resource]
    renew(this.#facts, ...factsOf(this.#resource, view))
    this.#time.update(series, view, marks.filter(({ kind }) => kind !== 'oom' || this.#resource === 'memory'))
    this.#distribution.update(view.distribution)
    renew(this.#why, ...(view.why.length === 0 ? [] : [element('h4', {}, `Why ${amountText(this.#resource, view.target)}`), element('ol', {}, ...view.why.map((line) => element('li', {}, line)))]))
  }

  draw(): void {
    this.#time.draw()
    this.#distribution.draw()
  }

  dispose(): void {
    this.#time.dispose()
    this.#distribution.dispose()
  }
}

function factsOf(resource: Resource, { target, lowerBound, upperBound, request, limit, usage, change }: ResourceView): readonly HTMLElement[] {
  const amount = (value: number | undefined) => amountText(resource, value)
  return [
    fact('Target', amount(target), change === undefined ? '' : `${changeText(change)} vs. request`, 'strong'),
    fact('Bounds', upperBound === undefined ? '-' : `${amount(lowerBound)} – ${amount(upperBound)}`),
    fact('Request', amount(request)),
    fact('Limit', amount(limit)),
    fact('Usage', amount(usage)),
  ]
}

function fact(title: string, value: string, note = '', kind = ''): HTMLElement {
  return element('div', {}, element('dt', {}, title), element('dd', { class: kind }, value, note === '' ? undefined : element('span', { class: 'note' }, ` ${note}`)))
}
