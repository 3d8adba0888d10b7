import type { Severity } from '@vpa/core/advise/severity.ts'
import { element } from './element.ts'

/** Colour and word, so that nobody needs to tell colours apart. */
export function severityBadge(severity: Severity): HTMLElement {
  return element('span', { class: `badge ${severity}` }, severity)
}
