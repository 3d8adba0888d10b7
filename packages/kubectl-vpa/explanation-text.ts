import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import { derivationLines, samplesText } from '@vpa/core/advise/derivation-text.ts'
import { updateModeOf } from '@vpa/core/api/vpa.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import { CPU_BUCKETS, MEMORY_BUCKETS } from '@vpa/core/history/buckets.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import { reasonText } from '@vpa/core/update/reason-text.ts'
import type { ContainerExplanation, VpaExplanation } from './explain.ts'
import { type Palette, paletteOf } from './palette.ts'
import { sparkline } from './sparkline.ts'
import type { Terminal } from './terminal.ts'
import { textTable } from './text-table.ts'
import { ageText, amountText, countText } from '@vpa/core/advise/words.ts'

/** More pods than this are counted by reason. */
const MOST_PODS = 10
const MOST_EVENTS = 5

/** The whole explanation as a person reads it. */
export function explanationText(explanation: VpaExplanation, terminal: Pick<Terminal, 'colours' | 'clock'>): string {
  const palette = paletteOf(terminal)
  const { vpa, pods, containers, hindrances } = explanation
  const { targetRef } = vpa.spec
  const target = targetRef ? `${targetRef.kind}/${targetRef.name}` : 'nothing'
  const sections = [
    `${palette.bold(`${vpa.namespace}/${vpa.name}`)} scales ${target}, mode ${updateModeOf(vpa)}, ${countText(pods.length, 'pod')}\n`,
    ...containers.map((container) => containerText(container, palette)),
    podsText(explanation, palette),
    `${palette.bold('In the way')}\n${hindrances.length === 0 ? '  nothing\n' : hindrances.map(({ what, message }) => `  ${palette.severity('warning', what)}: ${message}\n`).join('')}`,
    eventsText(explanation, palette, terminal.clock.now()),
  ]
  return sections.filter(Boolean).join('\n')
}

function containerText(explanation: ContainerExplanation, palette: Palette): string {
  const { container, advice, history, notes } = explanation
  const lines = RESOURCES.flatMap((resource) => resourceLines(resource, explanation, palette))
  const samples = history === undefined ? [palette.dim('there is no checkpoint to derive it from: the recommender has not written one, or keeps its history in Prometheus')] : [samplesText(history.span)]
  const oom = advice.oomKills > 0 ? [palette.severity('critical', `killed for want of memory: ${countText(advice.oomKills, 'container')} ended so last`)] : []
  const capped = notes.length > 0 ? [`on its way to a pod: ${notes.join(', ')}`] : []
  return `${palette.bold(`Container ${container}`)}\n${[...samples, ...oom, ...lines, ...capped].map((line) => `  ${line}\n`).join('')}`
}

function resourceLines(resource: Resource, { advice, derivation: derivations, checkpoint, history }: ContainerExplanation, palette: Palette): readonly string[] {
  const { request, limit, target, lowerBound, upperBound, usage } = advice.resources[resource]
  const amount = (value: number | undefined) => amountText(resource, value)
  const now = `requests ${amount(request)}${limit === undefined ? '' : `, limit ${amount(limit)}`}${usage === undefined ? '' : `, uses ${amount(usage)}`}`
  if (target === undefined) return [`${resource}: ${now}; nothing is recommended`]
  const head = `${palette.bold(`${resource}: ${amount(target)}`)}, between ${amount(lowerBound)} and ${amount(upperBound)} (${now})`
  const derivation = derivations[resource]
  const histogram = resource === 'cpu' ? checkpoint?.status.cpuHistogram : checkpoint?.status.memoryHistogram
  if (derivation === undefined || history === undefined || histogram === undefined) return [head]
  return [head, ...derivationLines(resource, derivation, 'it has other flags than the default ones, or knows more than its checkpoint').map((line) => `  ${line}`), ...distributionLines(resource, history, histogram, palette).map((line) => `  ${line}`)]
}

function distributionLines(resource: Resource, history: Aggregate, histogram: Parameters<typeof sparkline>[0], palette: Palette): readonly string[] {
  const isCpu = resource === 'cpu'
  const line = sparkline(histogram, (isCpu ? CPU_BUCKETS : MEMORY_BUCKETS).starts)
  if (line === undefined) return []
  const amount = (value: number) => amountText(resource, isCpu ? value * 1000 : value)
  const distribution = isCpu ? history.cpu : history.memoryPeaks
  const percentiles = [0.5, 0.9, 0.95, 0.99].map((percentile) => `p${100 * percentile} ${amount(distribution.percentile(percentile))}`)
  return [`${amount(line.from)} ${palette.severity('ok', line.bars)} ${amount(line.to)}   ${percentiles.join('  ')}`]
}

export function podsText({ forecast }: Pick<VpaExplanation, 'forecast'>, palette: Palette): string {
  if (forecast.length === 0) return ''
  const action = { evict: 'evict', resize: 'resize in place', nothing: 'leave alone' } as const
  const title = `${palette.bold("The updater's next loop")} ${palette.dim('(as its default flags have it)')}\n`
  if (forecast.length <= MOST_PODS) return title + indented(textTable([{ title: 'POD', cell: ({ pod }) => pod.name }, { title: 'DOES', cell: (next) => action[next.do] }, { title: 'WHY', cell: ({ why }) => reasonText(why) }], forecast))
  const counts = [...Map.groupBy(forecast, (next) => `${next.do}/${next.why}`).values()]
  return title + indented(textTable([{ title: 'PODS', align: 'right', cell: (group) => String(group.length) }, { title: 'DOES', cell: ([next]) => action[next?.do ?? 'nothing'] }, { title: 'WHY', cell: ([next]) => reasonText(next?.why ?? '') }], counts))
}

function eventsText({ events }: VpaExplanation, palette: Palette, now: EpochMs): string {
  if (events.length === 0) return ''
  const rows = events.slice(0, MOST_EVENTS)
  return `${palette.bold('Lately')}\n${indented(textTable([{ title: 'AGE', cell: ({ at }) => (at === undefined ? '-' : ageText(now - at)) }, { title: 'REASON', cell: ({ reason }) => reason }, { title: 'MESSAGE', cell: ({ message }) => message }], rows))}`
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
