import { type Fleet, fleetOf } from '@vpa/core/advise/fleet.ts'
import { type Severity, isAtLeast } from '@vpa/core/advise/severity.ts'
import { readSnapshot } from '@vpa/kube/snapshot.ts'
import { printDocument } from './document.ts'
import { fleetDocument } from './get.ts'
import { EXIT, type ExitCode } from './problem.ts'
import { csvReport } from './report-csv.ts'
import { markdownReport } from './report-markdown.ts'
import { type ClusterFlags, type PriceFlags, pricesOf, withCluster } from './session.ts'
import type { Terminal } from './terminal.ts'

export interface ReportFlags extends ClusterFlags, PriceFlags {
  readonly output: 'html' | 'csv' | 'json' | 'markdown'
  readonly currency: string
  readonly failOn?: Severity
}

/** `kubectl vpa report`: the fleet on one page, and an exit code for CI. Looks everywhere unless told a namespace. */
export function report(terminal: Terminal, flags: ReportFlags): Promise<ExitCode> {
  return withCluster(terminal, { ...flags, allNamespaces: flags.namespace === undefined }, async (session) => {
    const snapshot = await readSnapshot(session)
    const fleet = fleetOf({ ...snapshot, usage: snapshot.usage ?? [] }, pricesOf(flags), 'waste')
    await print(terminal, fleet, flags)
    const { failOn } = flags
    const found = failOn === undefined ? [] : fleet.containers.filter(({ severity }) => isAtLeast(severity, failOn))
    if (found.length === 0) return EXIT.done
    terminal.err(`${found.length} of ${fleet.containers.length} containers are ${failOn} or worse: ${found.slice(0, 5).map(({ namespace, vpa, container }) => `${namespace}/${vpa}/${container}`).join(', ')}${found.length > 5 ? ', …' : ''}\n`)
    return EXIT.found
  })
}

async function print(terminal: Terminal, fleet: Fleet, flags: ReportFlags): Promise<void> {
  switch (flags.output) {
    case 'json':
      return printDocument(terminal, 'json', fleetDocument(fleet, pricesOf(flags)))
    case 'csv':
      return terminal.out(csvReport(fleet))
    case 'markdown':
      return terminal.out(markdownReport(fleet, flags.currency))
    case 'html': {
      // The plotting library takes longer to load than everything else together.
      const { htmlReport } = await import('./report-html.ts')
      return terminal.out(htmlReport(fleet, { currency: flags.currency, prices: pricesOf(flags), now: terminal.clock.now() }))
    }
  }
}
