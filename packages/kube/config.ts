import { parseArgs } from 'node:util'
import * as z from 'zod'
import { conflictIn, flagForm, type FlagForm } from './flags.ts'

/** A strict object whose keys are flags. */
export type FlagSchema<Config> = z.ZodObject & z.ZodType<Config>

/** `problem` is one line: which flag, what was expected, what came. `help` ends with a line break. */
export type ParsedConfig<T> = { readonly config: Readonly<T> } | { readonly help: string } | { readonly problem: string }

/**
 * Reads a command line as Go's pflag does: `--flag value`, `--flag=value`, `--switch`, `-v=4`; hyphens and underscores
 * are alike; of a repeated flag the last one counts, and feature gates add up.
 *
 * @param schema whose keys are flags in camel case, made by `flag.…`: `recommenderInterval` is `--recommender-interval`
 * @param argv without the program
 */
export function parseConfig<Config>(schema: FlagSchema<Config>, argv: readonly string[]): ParsedConfig<Config> {
  const flags = flagsOf(schema)
  const given = readArguments(flags, argv)
  if (typeof given === 'string') return { problem: given }
  if (given.has('help')) return { help: helpText(flags) }
  const values = Object.fromEntries(flags.flatMap(({ key, name }) => (given.has(name) ? [[key, given.get(name)]] : [])))
  const parsed = schema.safeParse(values)
  if (!parsed.success) return { problem: parsed.error.issues.slice(0, 1).map(describeIssue).join('') }
  const conflict = conflictIn(parsed.data)
  return conflict === undefined ? { config: Object.freeze(parsed.data) } : { problem: conflict }
}

/** One flag as users see it. */
export interface Flag extends FlagForm {
  readonly key: string
  /** Without the leading hyphens. */
  readonly name: string
  readonly description: string
}

/** The flags of a schema, by name. */
export function flagsOf(schema: z.ZodObject): readonly Flag[] {
  return Object.entries(schema.shape)
    .map(([key, type]) => ({ key, name: kebabCase(key), description: z.globalRegistry.get(type)?.description ?? '', ...flagForm(type) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Text by flag name, or what is wrong with the command line. */
function readArguments(flags: readonly Flag[], argv: readonly string[]): ReadonlyMap<string, string> | string {
  const known = new Map<string, FlagForm['kind']>([...flags.map(({ name, kind }) => [name, kind] as const), ['help', 'boolean']])
  const options = Object.fromEntries(
    [...known].map(([name, kind]) => {
      const short = name === 'help' ? 'h' : name
      return [name, { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const), ...(short.length === 1 ? { short } : {}) }]
    }),
  )
  const args = argv.map((argument) => argument.replace(/^--[^=]+/, (name) => name.replaceAll('_', '-')))
  const given = new Map<string, string>()
  for (const token of parseArgs({ args, options, strict: false, tokens: true }).tokens) {
    if (token.kind === 'positional') return `unexpected argument ${JSON.stringify(token.value)}: only flags are taken`
    if (token.kind === 'option-terminator') continue
    const kind = known.get(token.name)
    if (kind === undefined) return unknownFlag(argv[token.index] ?? token.rawName, [...known.keys()])
    const value = token.value ?? (kind === 'boolean' ? 'true' : undefined)
    if (value === undefined) return `--${token.name}: a value is missing (${kind})`
    // parseArgs takes `-v=4` for the value `=4`; pflag does not.
    const text = token.rawName.startsWith('--') ? value : value.replace(/^=/, '')
    const earlier = kind === 'gates' ? given.get(token.name) : undefined
    given.set(token.name, earlier === undefined ? text : `${earlier},${text}`)
  }
  return given
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return `--${kebabCase(path.join('.'))}: ${message}`
}

function unknownFlag(argument: string, known: readonly string[]): string {
  const name = argument.replace(/^-+/, '').replace(/=.*/s, '').replaceAll('_', '-')
  const written = argument.replace(/=.*/s, '')
  const [nearest] = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) })).toSorted((a, b) => a.distance - b.distance)
  const near = nearest !== undefined && nearest.distance <= Math.max(2, name.length / 4)
  return `unknown flag ${written}${near ? `; did you mean --${nearest.candidate}?` : '; --help lists all'}`
}

/** Levenshtein: how many letters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const letter of from) {
    const above = row
    row = [(above[0] ?? 0) + 1]
    for (const [column, other] of [...to].entries()) {
      const replaced = (above[column] ?? 0) + (letter === other ? 0 : 1)
      row.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (row[column] ?? 0) + 1))
    }
  }
  return row.at(-1) ?? 0
}

function helpText(flags: readonly Flag[]): string {
  const lines = flags.map(({ name, kind, fallback, description }) => {
    const shownDefault = fallback === '' ? '' : ` (default ${fallback})`
    return `  --${name}${kind === 'boolean' ? '' : ` ${kind}`}${shownDefault}\n        ${description}\n`
  })
  return `Flags:\n${lines.join('')}`
}

/** `recommenderInterval` is `recommender-interval`. */
function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
