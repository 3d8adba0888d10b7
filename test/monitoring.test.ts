import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { monitoringFiles } from '../hack/generate-monitoring.ts'
import { type Alert, anchorOf } from '../hack/monitoring/alerts.ts'
import { readCatalogue } from '../hack/monitoring/catalogue.ts'
import { Query, not } from '../hack/monitoring/query.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const files = await monitoringFiles()

test.for(Object.keys(files))('%s is what `npx node hack/generate-monitoring.ts` writes', (path) => {
  expect(read(path)).toBe(files[path])
})

test('every alert leads to a section of docs/troubleshooting.md', () => {
  const sections = new Set([...read('docs/troubleshooting.md').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => `docs/troubleshooting.md#${anchorOf(heading)}`))
  const { groups } = parse(read('manifests/monitoring/alerts.yaml')) as { groups: { rules: Alert[] }[] }
  const lost = groups.flatMap(({ rules }) => rules).filter(({ annotations }) => !sections.has(annotations.runbook_url))
  expect(lost.map(({ alert, annotations }) => `${alert}: ${annotations.runbook_url}`)).toEqual([])
})

const query = new Query(await readCatalogue())

test.for([
  ['a counter', () => query.series('vpa_watch_restarts_total', { kind: 'pods' }), 'vpa_watch_restarts_total{kind="pods"}'],
  ['a part of a histogram', () => query.part('vpa_updater_execution_latency_seconds', 'sum', { step: not('total') }), 'vpa_updater_execution_latency_seconds_sum{step!~"total"}'],
] as const)('a query can name %s', ([, name, expected]) => {
  expect(name()).toBe(expected)
})

test.for([
  ['a metric that no program defines', () => query.series('vpa_updater_evictions'), 'no program defines the metric vpa_updater_evictions'],
  ['a label that it does not have', () => query.series('vpa_watch_objects', { pod: 'a' }), 'vpa_watch_objects has no label pod; it has kind'],
  ['a histogram without its part', () => query.series('vpa_updater_execution_latency_seconds'), 'vpa_updater_execution_latency_seconds is a histogram: name its bucket, sum or count'],
  ['a part of what is no histogram', () => query.part('vpa_watch_objects', 'sum'), 'vpa_watch_objects is a gauge: it has no sum'],
] as const)('a query cannot name %s', ([, name, problem]) => {
  expect(name).toThrow(problem)
})
