import type { ListAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { countText } from '@vpa/core/advise/words.ts'
import { UPDATE_MODES } from '@vpa/core/api/update-mode.ts'
import { element, on, renew } from './element.ts'
import type { ListRoute } from './route.ts'

/** As long as somebody still types, nothing is asked. */
const TYPING_MS = 200
const SEVERITIES = ['critical', 'warning', 'ok', 'good', 'unknown']

/** Search, namespace, mode and severity; how many VPAs are left is told to screen readers, too. */
export class ListFilter {
  readonly root: HTMLElement
  readonly #text = element('input', { type: 'search', id: 'text', placeholder: 'Name or target', autocomplete: 'off', spellcheck: 'false', maxlength: 253 })
  readonly #namespace = element('select', { id: 'namespace' })
  readonly #mode = element('select', { id: 'mode' }, ...optionsOf('All modes', UPDATE_MODES))
  readonly #severity = element('select', { id: 'severity' }, ...optionsOf('All severities', SEVERITIES))
  readonly #count = element('p', { class: 'count', role: 'status', 'aria-live': 'polite' })
  #namespaces = ''

  constructor(go: (changes: ListRoute) => void) {
    let typing: ReturnType<typeof setTimeout> | undefined
    on(this.#text, 'input', () => {
      clearTimeout(typing)
      typing = setTimeout(() => go({ text: this.#text.value.trim() }), TYPING_MS)
    })
    const choices = { namespace: this.#namespace, mode: this.#mode, severity: this.#severity }
    for (const [name, select] of Object.entries(choices)) on(select, 'change', () => go({ [name]: select.value }))
    this.root = on(
      element('form', { class: 'filter', role: 'search', 'aria-label': 'Filter VPAs' }, field('Search', this.#text), field('Namespace', this.#namespace), field('Mode', this.#mode), field('Severity', this.#severity), this.#count),
      'submit',
      (event) => event.preventDefault(),
    )
  }

  update({ namespaces, matching }: ListAnswer, query: ListRoute): void {
    if (this.#namespaces !== namespaces.join()) {
      this.#namespaces = namespaces.join()
      renew(this.#namespace, ...optionsOf('All namespaces', namespaces))
    }
    const isTyping = document.activeElement === this.#text
    if (!isTyping) this.#text.value = query.text ?? ''
    this.#namespace.value = query.namespace ?? ''
    this.#mode.value = query.mode ?? ''
    this.#severity.value = query.severity ?? ''
    const isFiltered = [query.text, query.namespace, query.mode, query.severity].some(Boolean)
    const text = `${countText(matching, 'VPA')}${isFiltered ? (matching === 1 ? ' matches' : ' match') : ''}`
    if (this.#count.textContent !== text) this.#count.textContent = text
  }
}

function optionsOf(all: string, values: readonly string[]): readonly HTMLElement[] {
  return [element('option', { value: '' }, all), ...values.map((value) => element('option', { value }, value))]
}

function field(title: string, control: HTMLElement): HTMLElement {
  return element('div', { class: 'field' }, element('label', { for: control.id }, title), control)
}
