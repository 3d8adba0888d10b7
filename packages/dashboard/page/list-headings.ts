import { element, on } from './element.ts'
import type { ListRoute } from './route.ts'

interface Heading {
  readonly sort: string
  readonly title: string
  readonly class?: string
  /** What a first press sorts by; names begin with A, amounts with the largest. */
  readonly first: 'ascending' | 'descending'
}

const HEADINGS: readonly Heading[] = [
  { sort: 'name', title: 'VPA', first: 'ascending' },
  { sort: 'mode', title: 'Mode', first: 'ascending' },
  { sort: 'pods', title: 'Pods', class: 'number', first: 'descending' },
  { sort: 'cpu', title: 'CPU request → target', class: 'number', first: 'descending' },
  { sort: 'memory', title: 'Memory request → target', class: 'number', first: 'descending' },
  { sort: 'waste', title: 'Saves a month', class: 'number', first: 'descending' },
  { sort: 'severity', title: 'Severity', first: 'descending' },
]

/** The row of column headings; each is a button that sorts, and says so by aria-sort. */
export class ListHeadings {
  readonly root: HTMLElement
  readonly #cells: ReadonlyMap<string, HTMLElement>
  #query: ListRoute = {}

  constructor(go: (changes: ListRoute) => void) {
    const press = ({ sort, first }: Heading) => {
      const { sort: present, direction } = sortOf(this.#query)
      go({ sort, direction: present !== sort ? first : direction === 'ascending' ? 'descending' : 'ascending' })
    }
    this.#cells = new Map(HEADINGS.map((heading) => [heading.sort, element('th', { scope: 'col', class: heading.class }, on(element('button', { type: 'button' }, heading.title), 'click', () => press(heading)))]))
    this.root = element('tr', {}, ...this.#cells.values())
  }

  update(query: ListRoute): void {
    this.#query = query
    const { sort: present, direction } = sortOf(query)
    for (const [sort, cell] of this.#cells) {
      if (sort === present) cell.setAttribute('aria-sort', direction)
      else cell.removeAttribute('aria-sort')
    }
  }
}

/** As the API has it where the address says nothing. */
function sortOf({ sort = 'waste', direction = 'descending' }: ListRoute): { readonly sort: string; readonly direction: string } {
  return { sort, direction }
}
