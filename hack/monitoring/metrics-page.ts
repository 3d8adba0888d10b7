import { PROGRAM_NAMES } from '../program-names.ts'
import type { Metric } from './catalogue.ts'

const INTRODUCTION = `# Metrics

Written by \`hack/generate-monitoring.ts\` from what the programs define; change the descriptions there.

Each program serves \`/metrics\`: the recommender on port 8942, the updater on 8943, the admission controller on 8944. Names and labels are those of the
Go implementation where it has them. Beside these there are Node's own (\`nodejs_*\`) and the process's (\`process_*\`).

[manifests/monitoring](../manifests/monitoring) has alert rules and a Grafana dashboard made of them; the
[chart](../manifests/charts/vertical-pod-autoscaler/README.md) installs both (\`monitoring\`).
`

/** docs/metrics.md: what all programs have, then what each has of its own. */
export function metricsPage(catalogue: readonly Metric[]): string {
  const sections = PROGRAM_NAMES.map((program) => section(`vpa-${program}`, catalogue.filter(({ programs }) => programs.length === 1 && programs[0] === program)))
  return [INTRODUCTION, section('More than one program', catalogue.filter(({ programs }) => programs.length > 1)), ...sections].join('\n')
}

function section(title: string, metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, type, labels, help, programs }) => {
    const where = programs.length === 1 || programs.length === PROGRAM_NAMES.length ? '' : ` Of ${programs.join(' and ')}.`
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${`${help}${where}`.replaceAll('|', '\\|')} |\n`
  })
  return `## ${title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n${rows.join('')}`
}
