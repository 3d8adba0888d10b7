type Child = Node | string | undefined
interface Attributes {
  readonly class?: string | undefined
  readonly [name: string]: string | number | boolean | undefined
}

/** A new element; `true` is an attribute without a value, false and undefined are none. Text is text: what comes from the cluster becomes no markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(name: Name, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : String(value))
  }
  made.append(...children.filter((child) => child !== undefined))
  return made
}

/** Calls the listener and returns the element. */
export function on<T extends HTMLElement>(target: T, type: string, listener: (event: Event) => void): T {
  target.addEventListener(type, listener)
  return target
}

/**
 * Puts new children in the place of the old ones. Whoever was on one that bears a `data-key` stays on the one that bears it now.
 */
export function renew(parent: HTMLElement, ...children: readonly Child[]): void {
  const key = parent.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : null
  parent.replaceChildren(...children.filter((child) => child !== undefined))
  if (key !== null && key !== undefined) parent.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true })
}
