/**
 * The three programs beside the Go implementation, on one real control plane, in one run: a table of ratios at the end.
 *
 *   npm run bench -- [start-up] [recommender] [updater] [admission] [--vpas 1000] [--rounds 3] [--seconds 5] [--noise] [--json FILE] [--keep]
 *
 * Without a name, all benches run. `--vpas 25,100,250,500,1000,5000` goes through profiles, each VPA with two pods. Figures are medians of `--rounds`;
 * each load on the webhook lasts `--seconds`; `--noise` adds finished and unrelated pods at last; `--keep` leaves the logs behind.
 * Exit codes: 1 something is short of its goal, 2 wrong usage, 3 there is no control plane here.
 */
import { parseArgs } from 'node:util'
import { benchAdmission } from './admission.ts'
import { Bench, NotAvailable, WrongUsage } from './bench.ts'
import { benchRecommender } from './recommender.ts'
import { Report } from './report.ts'
import { benchStartUp } from './start-up.ts'
import { benchUpdater } from './updater.ts'

const BENCHES = new Map([
  ['start-up', benchStartUp],
  ['recommender', benchRecommender],
  ['updater', benchUpdater],
  ['admission', benchAdmission],
])

await Bench.run(async (bench) => {
  const { names, json, ...options } = readCommandLine()
  const report = new Report()
  // Also of a run that is stopped half way.
  bench.onEnd(async () => report.print())
  for (const [name, run] of BENCHES) {
    if (names.length > 0 && !names.includes(name)) continue
    const before = bench.openCount
    // One bench that fails costs only its own figures.
    await run(bench, options, report).catch((error: unknown) => {
      if (error instanceof NotAvailable || bench.signal.aborted) throw error
      report.check(name, false, error instanceof Error ? error.message : String(error))
    })
    await bench.closeSince(before)
  }
  if (json !== undefined) await report.write(json)
  return report.exitCode()
})

function readCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      vpas: { type: 'string', default: '100,1000' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      noise: { type: 'boolean', default: false },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter((name) => !BENCHES.has(name))
  if (unknown.length > 0) throw new WrongUsage(`no bench is named ${unknown.join(', ')}; there are ${[...BENCHES.keys()].join(', ')}`)
  return { ...values, names: positionals, sizes: values.vpas.split(',').map((size) => positive('vpas', size)), rounds: positive('rounds', values.rounds), seconds: positive('seconds', values.seconds) }
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value <= 0) throw new WrongUsage(`--${flag}: expected positive whole numbers, got ${JSON.stringify(text)}`)
  return value
}
