import { writeFile } from 'node:fs/promises'
import { styleText } from 'node:util'

/** What a figure of ours should be: a share of the Go implementation's, measured in the same run, or an amount. */
export interface Goal {
  /** At most this many times Go's, or at least. */
  readonly atMostRatio?: number
  readonly atLeastRatio?: number
  /** In the figure's unit. */
  readonly atMost?: number
}

export interface Figure {
  readonly work: string
  readonly unit: string
  /** Undefined where Go's was not measured. */
  readonly go?: number | undefined
  readonly ours: number
  readonly goal?: Goal
}

type Verdict = 'pass' | 'short of' | 'not compared'

/** What a bench found: figures beside Go's, checks, and at the end a table and `N passed, N failed, N skipped`. */
export class Report {
  readonly #figures: Figure[] = []
  readonly #checks: { readonly what: string; readonly passed: boolean; readonly detail: string }[] = []

  figure(figure: Figure): void {
    this.#figures.push(figure)
  }

  check(what: string, passed: boolean, detail = ''): void {
    this.#checks.push({ what, passed, detail })
    if (!passed) console.log(styleText('red', `FAILED ${what}${detail && `: ${detail}`}`))
  }

  /** The table, and how many goals and checks passed. */
  print(): void {
    console.log(`\n${tableOf(this.#figures)}\n`)
    const { passed, failed, skipped } = this.#counts()
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  }

  /** All of it as JSON. */
  async write(file: string): Promise<void> {
    const figures = this.#figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), verdict: verdictOf(figure) }))
    await writeFile(file, `${JSON.stringify({ figures, checks: this.#checks }, undefined, 2)}\n`)
  }

  /** 1 if anything is short of its goal. */
  exitCode(): number {
    return this.#counts().failed === 0 ? 0 : 1
  }

  #counts(): { readonly passed: number; readonly failed: number; readonly skipped: number } {
    const verdicts = this.#figures.map(verdictOf)
    const count = (verdict: Verdict) => verdicts.filter((found) => found === verdict).length
    const passed = this.#checks.filter((check) => check.passed).length
    return { passed: passed + count('pass'), failed: this.#checks.length - passed + count('short of'), skipped: count('not compared') }
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
}

function ratioOf({ go, ours }: Figure): number | undefined {
  return go === undefined ? undefined : ours / go
}

/** Undefined for a figure without a goal. */
function verdictOf(figure: Figure): Verdict | undefined {
  const { goal, ours } = figure
  if (goal === undefined) return undefined
  const { atMostRatio = Infinity, atLeastRatio = -Infinity, atMost = Infinity } = goal
  if (ours > atMost) return 'short of'
  if (goal.atMostRatio === undefined && goal.atLeastRatio === undefined) return 'pass'
  const ratio = ratioOf(figure)
  if (ratio === undefined) return 'not compared'
  return ratio <= atMostRatio && ratio >= atLeastRatio ? 'pass' : 'short of'
}

function goalText({ atMostRatio, atLeastRatio, atMost }: Goal, unit: string): string {
  const parts = [...(atLeastRatio === undefined ? [] : [`≥ ${atLeastRatio} x`]), ...(atMostRatio === undefined ? [] : [`≤ ${atMostRatio} x`]), ...(atMost === undefined ? [] : [`≤ ${readable(atMost)} ${unit}`])]
  return parts.join(', ')
}

function ratioText(figure: Figure): string {
  const ratio = ratioOf(figure)
  return ratio === undefined ? '-' : `${readable(ratio)} x`
}

function tableOf(figures: readonly Figure[]): string {
  const rows = [
    ['work', 'unit', 'Go', 'ours', 'ratio', 'goal', ''],
    ...figures.map((figure) => [
      figure.work,
      figure.unit,
      figure.go === undefined ? '-' : readable(figure.go),
      readable(figure.ours),
      ratioText(figure),
      figure.goal === undefined ? '' : goalText(figure.goal, figure.unit),
      verdictOf(figure) ?? '',
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd()).join('\n')
}

function readable(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return Number.isInteger(value) ? `${value}` : value.toPrecision(3)
}
