import type { Report } from './trial.ts'

/** One line per scenario: what was done to the programs, and what came of it. */
export function reportLine({ scenario, faults, convergedMs, events, missed, slowestMs, measurements, unreadable, samplesLost, samplesCountedTwice, evictionsBeyondBudget, crashes, damage }: Report): string {
  const samples = `${samplesLost} of ${measurements} samples lost (${unreadable} could not be read), ${samplesCountedTwice} counted twice`
  return `chaos: ${scenario}: ${faults} faults; converged after ${seconds(convergedMs)}; ${missed} of ${events} events missed, slowest ${seconds(slowestMs)}; ${samples}; ${evictionsBeyondBudget} evictions beyond budget; ${crashes} crashes; ${damage.join(', ') || 'all is kept'}`
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
