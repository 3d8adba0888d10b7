type Ink = 'ink' | 'faint' | 'line' | 'usage' | 'average' | 'request' | 'limit' | 'target' | 'bounds' | 'eviction' | 'resize' | 'oom'

/** Nothing but an element knows what `light-dark()` comes to. */
const probe = document.createElement('span')

/**
 * A colour of the style sheet, as it is in light or dark, in the form that a canvas understands.
 *
 * @param opacity a part of one
 */
export function colour(name: Ink, opacity = 1): string {
  if (!probe.isConnected) document.body.append(probe)
  probe.style.color = `var(--${name})`
  const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g) ?? []
  return `rgb(${red} ${green} ${blue} / ${opacity})`
}

const FONT = '12px system-ui, sans-serif'

/** What all axes have in common. */
export function axis(): { readonly stroke: string; readonly font: string; readonly grid: object; readonly ticks: object } {
  const line = { stroke: colour('line'), width: 1 }
  return { stroke: colour('faint'), font: FONT, grid: line, ticks: { ...line, size: 4 } }
}

/** Calls when the system goes from light to dark or back. Returns a function that ends it. */
export function onThemeChange(listener: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)')
  query.addEventListener('change', listener)
  return () => query.removeEventListener('change', listener)
}
