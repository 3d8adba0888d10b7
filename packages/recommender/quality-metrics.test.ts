import { projectVpa } from '@vpa/core/api/vpa.ts'
import { quantity } from '@vpa/core/quantity.ts'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { QualityMetrics } from './quality-metrics.ts'

const VPA = projectVpa({
  spec: { updatePolicy: { updateMode: 'Off' } },
  status: { recommendation: { containerRecommendations: [{ containerName: 'app', uncappedTarget: { cpu: '500m', memory: '1M' } }] } },
})

/** The sums that are not zero, without prefix. */
async function sums(registry: Registry): Promise<readonly string[]> {
  const lines = (await registry.metrics()).split('\n')
  return lines.filter((line) => /_(?:sum|sample_missing_recommendation_count)\{/.test(line) && !line.endsWith(' 0')).map((line) => line.replace('vpa_quality_', ''))
}

test.for([
  ['more CPU recommended than used', { containerName: 'app', resource: 'cpu', usage: 250, isOom: false }, [
    'usage_recommendation_relative_diffs_sum{update_mode="Off",resource="cpu",is_oom="false"} -0.5',
    'cpu_recommendation_over_usage_diffs_cores_sum{update_mode="Off",recommendation_missing="false"} 0.25',
    'cpu_recommendations_cores_sum{update_mode="Off"} 0.5',
  ]],
  ['an OOM', { containerName: 'app', resource: 'memory', usage: 3e6, isOom: true }, [
    'usage_recommendation_relative_diffs_sum{update_mode="Off",resource="memory",is_oom="true"} 2',
    'mem_recommendation_lower_equal_usage_diffs_bytes_sum{update_mode="Off",is_oom="true",recommendation_missing="false"} 2000000',
    'mem_recommendations_bytes_sum{update_mode="Off",is_oom="true"} 1000000',
  ]],
  ['a container without recommendation', { containerName: 'new', resource: 'cpu', usage: 250, isOom: false }, [
    'usage_sample_missing_recommendation_count{update_mode="Off",resource="cpu",is_oom="false"} 1',
    'cpu_recommendation_lower_equal_usage_diffs_cores_sum{update_mode="Off",recommendation_missing="true"} 0.25',
  ]],
] as const)('%s', async ([, sample, expected]) => {
  const registry = new Registry()
  new QualityMetrics(registry).observeUsage({ vpa: VPA, ...sample })
  expect(await sums(registry)).toEqual(expected)
})

test('a change of the uncapped target, relative to what it was', async () => {
  const registry = new Registry()
  new QualityMetrics(registry).observeChange(VPA, 5, { cpu: quantity('1') }, { cpu: quantity('1500m'), memory: quantity('1Mi') })
  expect(await sums(registry)).toEqual(['relative_recommendation_changes_sum{update_mode="Off",resource="cpu",vpa_size_log2="2"} 0.5'])
})
