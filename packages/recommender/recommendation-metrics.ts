import type { Vpa } from '@vpa/core/api/vpa.ts'
import { inUnits } from '@vpa/core/quantity.ts'
import { isResponsible } from '@vpa/core/recommend/responsibility.ts'
import { Gauge, type Registry } from 'prom-client'

const PARTS = {
  target: 'Target resources the VerticalPodAutoscaler recommends for the container.',
  lowerBound: 'Minimum resources the container can use before the VerticalPodAutoscaler updater evicts it.',
  upperBound: 'Maximum resources the container can use before the VerticalPodAutoscaler updater evicts it.',
  uncappedTarget: 'Target resources the VerticalPodAutoscaler recommends for the container ignoring bounds.',
} as const
const UNITS = { cpu: 'core', memory: 'byte' } as const

type Part = keyof typeof PARTS

export interface RecommendationMetricsOptions {
  /** All VPAs, as they are when the metrics are read. */
  readonly vpas: { list(): Iterable<Vpa> }
  /** Whose VPAs are shown. */
  readonly recommenderName: string
}

/**
 * What is published, under the names and labels that kube-state-metrics gives it by the custom resource configuration of its
 * documentation ("Same Metrics with Different Labels"), so that dashboards made for it work without it. In cores and bytes.
 */
export function exposeRecommendations(registry: Registry, options: RecommendationMetricsOptions): void {
  for (const part of Object.keys(PARTS) as Part[]) {
    const gauge = new Gauge({ name: `kube_customresource_verticalpodautoscaler_status_recommendation_containerrecommendations_${part.toLowerCase()}`, help: PARTS[part], registers: [registry] })
    const get = gauge.get.bind(gauge)
    // Nothing is kept between two reads: thousands of VPAs have tens of thousands of series.
    gauge.get = async () => ({ ...(await get()), values: [...seriesOf(part, options)] })
  }
}

function* seriesOf(part: Part, { vpas, recommenderName }: RecommendationMetricsOptions): Generator<{ labels: Record<string, string>; value: number }> {
  for (const vpa of vpas.list()) {
    if (!isResponsible(recommenderName, vpa)) continue
    for (const { containerName, [part]: amounts = {} } of vpa.status.recommendation?.containerRecommendations ?? []) {
      for (const [resource, unit] of Object.entries(UNITS)) {
        const amount = amounts[resource]
        if (amount) yield { labels: labelsOf(vpa, { container: containerName, resource, unit }), value: inUnits(amount) }
      }
    }
  }
}

function labelsOf({ apiVersion, namespace, name, spec: { targetRef } }: Vpa, { container, resource, unit }: { readonly container: string; readonly resource: string; readonly unit: string }): Record<string, string> {
  const [group = '', version = ''] = apiVersion.split('/')
  return {
    container,
    customresource_group: group,
    customresource_kind: 'VerticalPodAutoscaler',
    customresource_version: version,
    namespace,
    resource,
    target_api_version: targetRef?.apiVersion ?? '',
    target_kind: targetRef?.kind ?? '',
    target_name: targetRef?.name ?? '',
    unit,
    verticalpodautoscaler: name,
  }
}
