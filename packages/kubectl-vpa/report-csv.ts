import { RESOURCES } from '@vpa/core/amount.ts'
import type { ContainerAdvice } from '@vpa/core/advise/container-advice.ts'
import type { Fleet } from '@vpa/core/advise/fleet.ts'
import { stringify } from 'csv-stringify/sync'

const UNITS = { cpu: 'millicores', memory: 'bytes' } as const
const AMOUNTS = ['request', 'limit', 'usage', 'target', 'lowerBound', 'upperBound'] as const

/** One line per container, the first of them titles; amounts in millicores and bytes, empty where they are not known. */
export function csvReport({ containers }: Fleet): string {
  // What a spreadsheet would take for a formula is escaped.
  return stringify(containers.map(recordOf), { header: true, columns: titles(), escape_formulas: true })
}

function titles(): readonly string[] {
  const amounts = RESOURCES.flatMap((resource) => [...AMOUNTS.map((amount) => title(resource, amount)), `${resource}_why`])
  return ['namespace', 'vpa', 'target_kind', 'target_name', 'mode', 'container', 'pods', ...amounts, 'oom_kills', 'monthly_now', 'monthly_recommended', 'monthly_saving', 'severity']
}

function recordOf({ namespace, vpa, target, mode, container, pods, resources, oomKills, monthly, severity }: ContainerAdvice): Record<string, string | number | undefined> {
  const amounts = RESOURCES.flatMap((resource) => [...AMOUNTS.map((amount) => [title(resource, amount), resources[resource][amount]] as const), [`${resource}_why`, resources[resource].verdict.why] as const])
  return {
    namespace,
    vpa,
    target_kind: target?.kind,
    target_name: target?.name,
    mode,
    container,
    pods,
    ...Object.fromEntries(amounts),
    oom_kills: oomKills,
    ...Object.fromEntries((['now', 'recommended', 'saving'] as const).map((part) => [`monthly_${part}`, Number(monthly[part].toFixed(2))])),
    severity,
  }
}

function title(resource: 'cpu' | 'memory', amount: (typeof AMOUNTS)[number]): string {
  return `${resource}_${amount.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_${UNITS[resource]}`
}
