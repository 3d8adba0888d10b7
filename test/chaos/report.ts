import type { Report } from './trial.ts'

/** One line per scenario: what was done to the programs, and what came of it. */
export function reportLine({ scenario, faults, convergedMs, events, missed, slowestMs, measurements, unreadable, unseen, samplesLost, samplesCountedTwice, podCounts, evictionsBeyondBudget, crashes, damage }: Report): string {
  const samples = `${samplesLost} of ${measurements} samples lost (${unreadable} could not be read), ${samplesCountedTwice} counted twice${unseen ? ' (one may have been measured unseen)' : ''}`
  return `chaos: ${scenario}: ${faults} faults; converged after ${seconds(convergedMs)}; ${missed} of ${events} events missed, slowest ${seconds(slowestMs)}; ${samples}; ${evictionsBeyondBudget} evictions beyond budget in ${podCounts} counts; ${crashes} crashes; ${damage.join(', ') || 'all is kept'}`
}

export interface Allowance {
  /** Programs that may end, having lost their lease. */
  readonly crashes?: number
}

/** What must not be, a sentence each. Who has seen nothing has not seen that all is well. */
export function harmIn(report: Report, { crashes = 0 }: Allowance = {}): readonly string[] {
  const most: readonly (readonly [number, number, string])[] = [
    [report.missed, 0, 'events missed'],
    [report.evictionsBeyondBudget, 0, 'evictions beyond budget'],
    [report.samplesLostThoughReadable, 0, 'samples lost that could be read'],
    [report.samplesCountedTwice, report.unseen, 'samples counted twice'],
    [report.crashes, crashes, 'crashes'],
  ]
  const seen: readonly (readonly [number, string])[] = [
    [report.faults, 'no faults were made'],
    [report.events, 'no events were looked for'],
    [report.measurements, 'no usage was measured'],
    [report.podCounts, 'the pods were never counted'],
  ]
  return [
    ...most.filter(([count, allowed]) => count > allowed).map(([count, allowed, what]) => `${count} ${what} instead of at most ${allowed}`),
    ...report.damage,
    ...seen.filter(([count]) => count === 0).map(([, what]) => what),
  ]
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
