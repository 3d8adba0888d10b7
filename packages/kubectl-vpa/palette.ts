import { styleText } from 'node:util'
import type { Severity } from '@vpa/core/advise/severity.ts'
import type { Terminal } from './terminal.ts'

type Paint = (text: string) => string

export interface Palette {
  readonly bold: Paint
  readonly dim: Paint
  readonly severity: (severity: Severity, text?: string) => string
}

const STYLES = { critical: ['red', 'bold'], warning: ['yellow'], ok: ['cyan'], good: ['green'], unknown: ['dim'] } as const

/** Colours for who can see them; plain text for files and programs. */
export function paletteOf({ colours }: Pick<Terminal, 'colours'>): Palette {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => (colours ? styleText(style, text, { validateStream: false }) : text)
  return {
    bold: (text) => paint('bold', text),
    dim: (text) => paint('dim', text),
    severity: (severity, text = severity) => paint([...STYLES[severity]], text),
  }
}
