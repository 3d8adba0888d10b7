#!/usr/bin/env node
// Writes what is made of the programs' metrics: alert rules, the Grafana dashboard, docs/metrics.md; and into the chart, which
// cannot read outside of itself, its copies of these and of the CRDs: npx node hack/generate-monitoring.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { alerts } from './monitoring/alerts.ts'
import { readCatalogue } from './monitoring/catalogue.ts'
import { dashboard } from './monitoring/dashboard.ts'
import { metricsPage } from './monitoring/metrics-page.ts'
import { Query } from './monitoring/query.ts'

const ROOT = new URL('../', import.meta.url)
const CHART_FILES = 'manifests/charts/vertical-pod-autoscaler/files'
const ALERTS_INTRODUCTION = '# Rules for Prometheus. Written by hack/generate-monitoring.ts from the metrics that the programs define.\n'

/** What is generated, by path from the project's root. */
export async function monitoringFiles(): Promise<Readonly<Record<string, string>>> {
  const catalogue = await readCatalogue()
  const query = new Query(catalogue)
  const groups = [{ name: 'vertical-pod-autoscaler', rules: alerts(query) }]
  const rules = ALERTS_INTRODUCTION + stringify({ groups }, { lineWidth: 0 })
  const board = `${JSON.stringify(dashboard(query), undefined, 2)}\n`
  return {
    'docs/metrics.md': metricsPage(catalogue),
    'manifests/monitoring/alerts.yaml': rules,
    'manifests/monitoring/dashboard.json': board,
    [`${CHART_FILES}/alerts.yaml`]: rules,
    [`${CHART_FILES}/dashboard.json`]: board,
    [`${CHART_FILES}/crd.yaml`]: readFileSync(new URL('manifests/crd.yaml', ROOT), 'utf8'),
  }
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await monitoringFiles())) writeFileSync(new URL(path, ROOT), text)
}
