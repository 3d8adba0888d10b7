import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import type { VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import type { ContainerView } from '@vpa/core/advise/vpa-view.ts'
import { countText } from '@vpa/core/advise/words.ts'
import { element, renew } from './element.ts'
import { ResourcePanel } from './resource-panel.ts'
import { severityBadge } from './severity-badge.ts'

/** One container: a panel for CPU, and one for memory. */
export class ContainerSection {
  readonly root: HTMLElement
  readonly #heading: HTMLElement
  readonly #panels: Readonly<Record<Resource, ResourcePanel>>

  constructor(name: string) {
    this.#heading = element('h2')
    this.#panels = { cpu: new ResourcePanel('cpu', name), memory: new ResourcePanel('memory', name) }
    this.root = element('section', { class: 'container', 'aria-label': `Container ${name}` }, this.#heading, ...RESOURCES.map((resource) => this.#panels[resource].root))
  }

  update(container: ContainerView, { marks }: VpaAnswer): void {
    const { name, severity, samples, oomKills } = container
    const facts = [samples, ...(oomKills > 0 ? [`${countText(oomKills, 'container')} last killed for want of memory`] : [])].filter(Boolean).join(' · ')
    renew(this.#heading, `Container ${name} `, severityBadge(severity), element('span', { class: 'note' }, facts))
    const own = marks.filter((mark) => mark.container === undefined || mark.container === name)
    for (const resource of RESOURCES) this.#panels[resource].update(container, own)
  }

  draw(): void {
    for (const resource of RESOURCES) this.#panels[resource].draw()
  }

  dispose(): void {
    for (const resource of RESOURCES) this.#panels[resource].dispose()
  }
}
