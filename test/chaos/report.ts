import type { Report } from './trial.ts'

/** One line per scenario: what was done to the programs, and what came of it. */
export function reportLine({ scenario, faults, convergedMs, events, missed, slowestMs, measurements, unreadable, samplesLost, samplesCountedTwice, evictionsBeyondBudget, crashes, damage }: Report): string {
  const samples = `${samplesLost} of ${measurements} samples lost (${unreadable} could not be read), ${samplesCountedTwice} counted twice`
  return `chaos: ${scenario}: ${faults} faults; converged after ${seconds(convergedMs)}; ${missed} of ${events} events missed, slowest ${seconds(slowestMs)}; ${samples}; ${evictionsBeyondBudget} evictions beyond budget; ${crashes} crashes; ${damage.join(', ') || 'all is kept'}`
}

export interface Allowance {
  /** Programs that may end, having lost their lease. */
  readonly crashes?: number
  readonly samplesCountedTwice?: number
}

/** What must not be, a sentence each. */
export function harmIn(report: Report, { crashes = 0, samplesCountedTwice = 0 }: Allowance = {}): readonly string[] {
  const most: readonly (readonly [number, number, string])[] = [
    [report.missed, 0, 'events missed'],
    [report.evictionsBeyondBudget, 0, 'evictions beyond budget'],
    [report.samplesLost, report.unreadable, 'samples lost'],
    [report.samplesCountedTwice, samplesCountedTwice, 'samples counted twice'],
    [report.crashes, crashes, 'crashes'],
  ]
  return [...most.filter(([count, allowed]) => count > allowed).map(([count, allowed, what]) => `${count} ${what} instead of at most ${allowed}`), ...report.damage, ...(report.faults === 0 ? ['no faults were made'] : [])]
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
