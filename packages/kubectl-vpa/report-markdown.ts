import { RESOURCES } from '@vpa/core/amount.ts'
import type { ContainerAdvice } from '@vpa/core/advise/container-advice.ts'
import type { Fleet } from '@vpa/core/advise/fleet.ts'
import { summary } from './get.ts'
import { amountText, changeText, moneyText } from '@vpa/core/advise/words.ts'

/** For pull requests and wikis. */
export function markdownReport(fleet: Fleet, currency: string): string {
  const rows = fleet.containers.map((advice) => cellsOf(advice, currency))
  const table = [['VPA', 'mode', 'container', 'pods', 'CPU', '', 'memory', '', 'saves a month', 'severity'], ['---', '---', '---', '---:', '---', '---:', '---', '---:', '---:', '---'], ...rows]
  return `# Vertical Pod Autoscaler report\n\n${summary(fleet, currency).replace('\n', '  \n')}\n\n${table.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')}`
}

function cellsOf({ namespace, vpa, mode, container, pods, resources, monthly, severity }: ContainerAdvice, currency: string): readonly string[] {
  const changes = RESOURCES.flatMap((resource) => {
    const { request, target, change } = resources[resource]
    return [`${amountText(resource, request)} → ${amountText(resource, target)}`, changeText(change)]
  })
  return [`${namespace}/${vpa}`, mode, container, String(pods), ...changes, moneyText(monthly.saving, currency), severity === 'critical' || severity === 'warning' ? `**${severity}**` : severity]
}
