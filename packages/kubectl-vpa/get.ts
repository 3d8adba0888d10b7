import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import { type ContainerAdvice, type ResourceAdvice, whyText } from '@vpa/core/advise/container-advice.ts'
import { type Fleet, type FleetOrder, fleetOf } from '@vpa/core/advise/fleet.ts'
import type { Prices } from '@vpa/core/advise/price.ts'
import { type Snapshot, readSnapshot } from '@vpa/kube/snapshot.ts'
import { printDocument } from './document.ts'
import { type Palette, paletteOf } from './palette.ts'
import { EXIT, type ExitCode, Problem } from './problem.ts'
import { type ClusterFlags, type PriceFlags, type Session, pricesOf, withCluster } from './session.ts'
import type { Terminal } from './terminal.ts'
import { type Column, textTable } from './text-table.ts'
import { followSnapshots } from './watch.ts'
import { amountText, changeText, countText, moneyText } from '@vpa/core/advise/words.ts'

export interface GetFlags extends ClusterFlags, PriceFlags {
  readonly output: 'table' | 'wide' | 'json' | 'yaml'
  readonly sort: FleetOrder
  readonly currency: string
  readonly watch?: boolean
}

/** `kubectl vpa get [name…]`: per container what it requests, what it should request, and what the difference costs. */
export function get(terminal: Terminal, names: readonly string[], flags: GetFlags): Promise<ExitCode> {
  return withCluster(terminal, flags, async (session) => {
    const show = (snapshot: Snapshot) => {
      const chosen = names.length === 0 ? snapshot.vpas : names.map((name) => named(snapshot, name, session))
      const fleet = fleetOf({ ...snapshot, vpas: chosen, usage: snapshot.usage ?? [] }, pricesOf(flags), flags.sort)
      print(session, fleet, flags)
    }
    if (flags.watch) await followSnapshots(session, show)
    else show(await readSnapshot(session))
    return EXIT.done
  })
}

/** The VPA of that name. @throws Problem that tells of the others */
export function named({ vpas }: Pick<Snapshot, 'vpas'>, name: string, { namespace, home }: Pick<Session, 'namespace' | 'home'>): Snapshot['vpas'][number] {
  const found = vpas.find((vpa) => vpa.name === name)
  if (found !== undefined) return found
  const where = namespace === undefined ? 'any namespace' : `namespace ${home}`
  const others = vpas.map((vpa) => vpa.name).toSorted()
  throw new Problem(`no VerticalPodAutoscaler ${JSON.stringify(name)} in ${where}: ${others.length === 0 ? namespace === undefined ? 'there is none at all' : 'there is none; -n names another namespace' : `there ${others.length === 1 ? 'is' : 'are'} ${others.slice(0, 10).join(', ')}${others.length > 10 ? ', …' : ''}`}`)
}

export function fleetDocument({ containers, totals }: Fleet, prices: Prices): object {
  return { units: { cpu: 'millicores', memory: 'bytes', monthly: 'the currency of the prices' }, prices, containers, totals }
}

function print({ terminal, namespace, home }: Session, fleet: Fleet, flags: GetFlags): void {
  if (flags.output === 'json' || flags.output === 'yaml') return printDocument(terminal, flags.output, fleetDocument(fleet, pricesOf(flags)))
  if (fleet.containers.length === 0) {
    const where = namespace === undefined ? 'the cluster' : `namespace ${home} (-A looks everywhere)`
    return terminal.err(`No VerticalPodAutoscalers with containers in ${where}. \`kubectl vpa create --all\` writes them.\n`)
  }
  const palette = paletteOf(terminal)
  terminal.out(textTable(columnsOf(flags, namespace === undefined, palette), fleet.containers))
  terminal.out(`\n${summary(fleet, flags.currency)}\n`)
}

/** Two sentences on what it all comes to. */
export function summary({ totals }: Fleet, currency: string): string {
  const { requested, recommended, monthly, severities } = totals
  const change = (resource: Resource) => `${resource} ${amountText(resource, requested[resource])} -> ${amountText(resource, recommended[resource])}`
  const found = (['critical', 'warning', 'ok', 'good', 'unknown'] as const).filter((severity) => severities[severity] > 0).map((severity) => `${severities[severity]} ${severity}`)
  const money = monthly.saving >= 0 ? `saves ${moneyText(monthly.saving, currency)}` : `costs ${moneyText(-monthly.saving, currency)} more`
  return `${countText(totals.vpas, 'VPA')}, ${countText(totals.pods, 'pod')}; containers: ${found.join(', ')}.\nAs recommended: ${RESOURCES.map(change).join(', ')}; ${money} of ${moneyText(monthly.now, currency)} a month.`
}

function columnsOf({ output, currency }: GetFlags, severalNamespaces: boolean, { severity, bold }: Palette): readonly Column<ContainerAdvice>[] {
  const wide = output === 'wide'
  const resourceColumns = RESOURCES.flatMap((resource) => {
    const short = resource === 'cpu' ? 'CPU' : 'MEM'
    const amount = (title: string, pick: (advice: ResourceAdvice) => number | undefined) => columnOf(resource, title, (advice) => amountText(resource, pick(advice)))
    return [
      amount(`${short} REQUEST`, ({ request }) => request),
      ...(wide ? [amount('LIMIT', ({ limit }) => limit), amount('USAGE', ({ usage }) => usage)] : []),
      amount('TARGET', ({ target }) => target),
      ...(wide ? [columnOf(resource, 'BOUNDS', ({ lowerBound, upperBound }) => (upperBound === undefined ? '-' : `${amountText(resource, lowerBound)}..${amountText(resource, upperBound)}`))] : []),
      columnOf(resource, 'DIFF', ({ change }) => changeText(change)),
    ]
  })
  return [
    ...(severalNamespaces ? [{ title: 'NAMESPACE', cell: ({ namespace }: ContainerAdvice) => namespace }] : []),
    { title: 'VPA', cell: ({ vpa }) => bold(vpa) },
    ...(wide ? [{ title: 'TARGET REF', cell: ({ target }: ContainerAdvice) => (target ? `${target.kind}/${target.name}` : '-') }] : []),
    { title: 'MODE', cell: ({ mode }) => mode },
    { title: 'CONTAINER', cell: ({ container }) => container },
    { title: 'PODS', align: 'right', cell: ({ pods }) => String(pods) },
    ...resourceColumns,
    { title: 'SAVES/MONTH', align: 'right', cell: ({ monthly }) => moneyText(monthly.saving, currency) },
    { title: 'SEVERITY', cell: (advice) => severity(advice.severity) },
    ...(wide ? [{ title: 'WHY', cell: ({ resources }: ContainerAdvice) => whyText(resources) }] : []),
  ]
}

function columnOf(resource: Resource, title: string, text: (advice: ResourceAdvice) => string): Column<ContainerAdvice> {
  return { title, align: 'right', cell: ({ resources }) => text(resources[resource]) }
}
