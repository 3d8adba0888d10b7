#!/usr/bin/env node
/**
 * Asks npm's registry what is known against the locked packages: npm run audit
 *
 * Each advisory is to be mended, or explained in hack/explained-advisories.json: `{ "GHSA-xxxx-xxxx-xxxx": "why it does not concern us" }`.
 * Exit code 0: there is none, or each is explained; 1: one is not; 2: the explanations cannot be read; 3: the registry did
 * not answer, and nothing is known.
 *
 * Of Node itself npm knows nothing: a scanner that reads what `npm run sbom` writes does.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

/** Why an advisory does not concern us, by its id. */
export const Explained = z.record(z.string().regex(/^GHSA(-[0-9a-z]{4}){3}$/), z.string().regex(/\S/, 'expected a reason'), 'expected reasons by ids such as GHSA-xxxx-xxxx-xxxx')

const Advisory = z.object({ name: z.string(), title: z.string(), url: z.string(), severity: z.string(), range: z.string() })
/** What `npm audit --json` prints. A text in `via` names another package of the list, whose advisory it is. */
const Report = z.object({ auditReportVersion: z.literal(2), vulnerabilities: z.record(z.string(), z.object({ via: z.array(z.union([z.string(), Advisory])) })) })

interface Judgement {
  readonly exitCode: 0 | 1 | 3
  readonly lines: readonly string[]
}

/**
 * @param all what `npm audit --json` printed
 * @param shipped the same without development dependencies
 */
export function judge(all: string, shipped: string, explained: Readonly<Record<string, string>>): Judgement {
  const [known, ofShipped] = [advisoriesIn(all), advisoriesIn(shipped)]
  if (known === undefined || ofShipped === undefined) {
    return { exitCode: 3, lines: [`the registry did not answer, so nothing is known: ${reasonIn(known === undefined ? all : shipped)}`] }
  }
  const unexplained = [...known.keys()].filter((id) => explained[id] === undefined)
  const lines = [...known].map(([id, { name, range, severity, title, url }]) => {
    const facts = `${id}: ${severity}, ${ofShipped.has(id) ? 'shipped' : 'for development alone'}: ${name} ${range}: ${title} (${url})`
    return explained[id] === undefined ? `NOT EXPLAINED ${facts}` : `explained ${facts}: ${explained[id]}`
  })
  const outdated = Object.keys(explained).filter((id) => !known.has(id)).map((id) => `no longer reported, so it needs no explanation: ${id}`)
  const sum = `${known.size} known, ${unexplained.length} not explained`
  return { exitCode: unexplained.length === 0 ? 0 : 1, lines: [...lines, ...outdated, sum] }
}

/** By id; undefined if this is no report. */
function advisoriesIn(printed: string): ReadonlyMap<string, z.infer<typeof Advisory>> | undefined {
  const parsed = Report.safeParse(jsonIn(printed))
  const advisories = parsed.data && Object.values(parsed.data.vulnerabilities).flatMap(({ via }) => via.filter((cause) => typeof cause !== 'string'))
  return advisories && new Map(advisories.map((advisory) => [advisory.url.replace(/^.*\//, ''), advisory]))
}

/** npm's own words on why there is no report. */
function reasonIn(printed: string): string {
  const { message, error } = z.object({ message: z.string(), error: z.object({ summary: z.string() }) }).partial().catch({}).parse(jsonIn(printed))
  return message || error?.summary || `npm audit printed ${JSON.stringify(printed.slice(0, 200))}`
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const audit = (...args: readonly string[]) => spawnSync('npm', ['audit', '--json', '--package-lock-only', ...args], { cwd, encoding: 'utf8', maxBuffer: 1e8 }).stdout
  const { data: explained, error } = Explained.safeParse(JSON.parse(readFileSync(new URL('explained-advisories.json', import.meta.url), 'utf8')))
  const { exitCode, lines } = explained === undefined ? { exitCode: 2, lines: [`hack/explained-advisories.json: ${z.prettifyError(error)}`] } : judge(audit('--include=dev'), audit('--omit=dev'), explained)
  console.log(lines.join('\n'))
  process.exitCode = exitCode
}
