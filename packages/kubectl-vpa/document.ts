import { stringify } from 'yaml'
import type { Terminal } from './terminal.ts'

/** Prints for programs: JSON with two spaces, or YAML. What is undefined is left out. */
export function printDocument({ out }: Terminal, format: 'json' | 'yaml', value: unknown): void {
  if (format === 'json') out(`${JSON.stringify(value, undefined, 2)}\n`)
  else out(yamlText(JSON.parse(JSON.stringify(value))))
}

/** YAML that kubectl reads as it is meant: it still takes an unquoted `Off` for a boolean, as YAML 1.1 has it. */
export function yamlText(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
}
