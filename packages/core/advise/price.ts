import type { Amount, Resource } from '../amount.ts'

/** What a cluster's capacity costs, in any currency. */
export interface Prices {
  readonly cpuCoreHour: number
  readonly memoryGibHour: number
}

/** On-demand prices of a general-purpose machine at a large provider, in dollars, as OpenCost takes them where it knows none (configs/default.json). */
export const DEFAULT_PRICES: Prices = { cpuCoreHour: 0.031611, memoryGibHour: 0.004237 }

/** 365 days in 12 parts. */
const HOURS_PER_MONTH = 730
const BYTES_PER_GIB = 2 ** 30

/** What it costs to keep that much for a month: with the default prices, a core 23.08 and a GiB 3.09. */
export function monthlyCost({ cpu = 0, memory = 0 }: { readonly [R in Resource]?: Amount }, { cpuCoreHour, memoryGibHour }: Prices): number {
  return HOURS_PER_MONTH * ((cpu / 1000) * cpuCoreHour + (memory / BYTES_PER_GIB) * memoryGibHour)
}
