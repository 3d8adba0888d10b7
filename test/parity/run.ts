/**
 * Runs parity vectors: `npm run parity -- [DIR] [--only KIND]`.
 *
 * Every DIR/KIND.jsonl (by default those beside this file) is read; each line is one vector and gives one line of output.
 * Exits with 1 when any vector fails, 2 when called wrongly.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runAdmission } from './admission.ts'
import { runHistogram } from './histogram.ts'
import { runLimits } from './limits.ts'
import { runRecommender } from './recommender.ts'
import { runUpdater } from './updater.ts'
import { runValidation } from './validation.ts'
import type { Vector, Verdict } from './verdict.ts'

const RUNNERS: Readonly<Record<string, (vector: Vector) => Verdict | Promise<Verdict>>> = {
  admission: runAdmission,
  histogram: runHistogram,
  limits: runLimits,
  recommender: runRecommender,
  updater: runUpdater,
  validation: runValidation,
}

const tally = { passed: 0, failed: 0, skipped: 0 }

async function main(): Promise<void> {
  const parsed = readArguments()
  if (parsed instanceof Error) return misuse(parsed.message)
  const { values, positionals } = parsed
  const directory = positionals[0] ?? join(import.meta.dirname, 'vectors')
  if (!existsSync(directory)) return misuse(`no such directory: ${directory}`)
  const kinds = readdirSync(directory).filter((file) => file.endsWith('.jsonl')).map((file) => file.slice(0, -'.jsonl'.length)).toSorted()
  const chosen = kinds.filter((kind) => values.only === undefined || kind === values.only)
  if (chosen.length === 0) return misuse(`no vectors${values.only ? ` of kind ${values.only}` : ''} in ${directory}; there are: ${kinds.join(', ') || 'none'}`)

  for (const kind of chosen) await runFile(kind, readFileSync(join(directory, `${kind}.jsonl`), 'utf8'))
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
  process.exitCode = tally.failed > 0 ? 1 : 0
}

function readArguments() {
  try {
    return parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
  } catch (error) {
    return error as Error
  }
}

async function runFile(kind: string, text: string): Promise<void> {
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    report(...(await verdictOf(kind, line, `${kind}.jsonl:${index + 1}`)))
  }
}

/** A vector that cannot be read, or whose runner throws, has failed: every line gives one result. */
async function verdictOf(kind: string, line: string, place: string): Promise<[id: string, verdict: Verdict]> {
  let id = place
  try {
    const vector = JSON.parse(line) as Vector
    id = vector.id
    const run = RUNNERS[kind]
    return [id, run === undefined ? { skip: `kind ${kind} is not handled yet` } : await run(vector)]
  } catch (error) {
    return [id, { fail: `thrown: ${error instanceof Error ? (error.stack ?? error.message).split('\n', 2).join(' ') : error}` }]
  }
}

function report(id: string, verdict: Verdict): void {
  if (verdict === 'pass') {
    tally.passed += 1
    console.log(`ok ${id}`)
  } else if ('fail' in verdict) {
    tally.failed += 1
    console.log(`FAIL ${id} ${verdict.fail}`)
  } else {
    tally.skipped += 1
    console.log(`skip ${id} ${verdict.skip}`)
  }
}

function misuse(problem: string): void {
  console.error(`parity: ${problem}`)
  process.exitCode = 2
}

await main()
