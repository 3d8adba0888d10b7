#!/usr/bin/env node
// Writes docs/flags.md from the flag schemas of the three programs: npx node hack/generate-flag-tables.ts
import { writeFileSync } from 'node:fs'
import { Config as AdmissionController } from '../packages/admission-controller/config.ts'
import { type Flag, flagsOf } from '../packages/kube/config.ts'
import { Config as Recommender } from '../packages/recommender/config.ts'
import { Config as Updater } from '../packages/updater/config.ts'

const INTRODUCTION = `# Flags

Written by \`hack/generate-flag-tables.ts\`; change the descriptions in \`packages/*/config.ts\` and \`packages/kube/flags.ts\`.

\`--flag value\` and \`--flag=value\` are the same, and so are hyphens and underscores in names; of a repeated flag the last one counts,
except that feature gates add up. A wrong flag ends the program with exit code 2 and one line that says what was expected.
`

/** The whole document: what the three programs share first, then what each has of its own. */
export function flagsDocument(): string {
  const programs = [
    { name: 'vpa-recommender', flags: flagsOf(Recommender) },
    { name: 'vpa-updater', flags: flagsOf(Updater) },
    { name: 'vpa-admission-controller', flags: flagsOf(AdmissionController) },
  ]
  const [first, ...others] = programs
  const shared = (first?.flags ?? []).map(rowOf).filter((row) => others.every(({ flags }) => flags.map(rowOf).includes(row)))
  const own = programs.map(({ name, flags }) => section(name, flags.map(rowOf).filter((row) => !shared.includes(row))))
  return [INTRODUCTION, section('All three programs', shared), ...own].join('\n')
}

function section(title: string, rows: readonly string[]): string {
  return `## ${title}\n\n| flag | form | default | meaning |\n|---|---|---|---|\n${rows.join('')}`
}

function rowOf({ name, kind, fallback, description }: Flag): string {
  const cells = [`\`--${name}\``, kind, fallback === '' ? '' : `\`${fallback}\``, description]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
}

if (import.meta.main) writeFileSync(new URL('../docs/flags.md', import.meta.url), flagsDocument())
