import { type Vpa, resourceListJson } from '@vpa/core/api/vpa.ts'
import { command } from './command.ts'

/** `kubectl get vpa` by the real kubectl, or the same table by us where there is none. */
export async function getVpa(kubeconfig: string, vpa: Vpa): Promise<[line: string, output: string]> {
  const args = ['get', 'vpa', vpa.name, '-n', vpa.namespace]
  const output = await command('kubectl', args, { env: { KUBECONFIG: kubeconfig } })
  return [`kubectl ${args.join(' ')}`, output ?? vpaTable(vpa)]
}

function vpaTable({ name, createdAt, spec, status }: Vpa): string {
  const target = resourceListJson(status.recommendation?.containerRecommendations?.[0]?.target ?? {})
  const provided = status.conditions?.find(({ type }) => type === 'RecommendationProvided')?.status ?? ''
  const ageSeconds = Math.round((Date.now() - (createdAt ?? Date.now())) / 1000)
  const rows = [
    ['NAME', 'MODE', 'CPU', 'MEM', 'PROVIDED', 'AGE'],
    [name, spec.updatePolicy?.updateMode ?? '', target['cpu'] ?? '', target['memory'] ?? '', provided, `${ageSeconds}s`],
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ').trimEnd()).join('\n')
}
