/**
 * The load of the story, modelled: a proxy that needs CPU time per request, in front of 800 clients that each wait for
 * their answer before they ask again. No traffic is sent; what the model says is what the kubelet would measure.
 */
export interface Demand {
  readonly requestsPerSecond: number
  readonly memoryBytes: number
}

export interface Limits {
  readonly cpuMillicores: number
  readonly memoryBytes: number
}

export interface Usage {
  readonly cpuMillicores: number
  readonly memoryBytes: number
}

export interface Service {
  readonly requestsPerSecond: number
  readonly p99Ms: number
}

const MB = 1_000_000
/** 1,000 requests a second take 460 millicores: between the 445 and 477 of the story's last recommendation. */
const MILLICORES_PER_REQUEST_PER_SECOND = 0.46
const CLIENTS = 800
/** One request on an idle proxy. */
const SERVICE_TIME_MS = 5
/** 99 % of an exponential distribution lie below its mean times ln(100). */
const P99_OF_MEAN = Math.log(100)

/** Everyday load: at most 150 millicores, memory peak 310 MB. */
export function everyday(second: number): Demand {
  return { requestsPerSecond: 290 + 35 * Math.sin(second), memoryBytes: Math.round((307 + 3 * Math.abs(Math.sin(second))) * MB) }
}

/** Full load: 1,000 requests a second give or take a few; usage between 452 and 468 millicores, 450 and 470 MB. */
export function full(second: number): Demand {
  return { requestsPerSecond: 1000 + 15 * Math.sin(second), memoryBytes: Math.round((460 + 10 * Math.sin(second)) * MB) }
}

/** What a pod with these limits uses of what is asked of it: a throttled container shows only what its limit lets through. */
export function usageUnder(demand: Demand, limits: Limits): Usage {
  const wanted = Math.round(demand.requestsPerSecond * MILLICORES_PER_REQUEST_PER_SECOND)
  return { cpuMillicores: Math.min(wanted, limits.cpuMillicores), memoryBytes: Math.min(demand.memoryBytes, limits.memoryBytes) }
}

/**
 * What its clients get. At 200m of 460m wanted: 435 requests/s, and 800 clients / 435 per second = 1.84 s of waiting.
 * With room to spare: a queue with one server, mean time = service time / (1 - utilisation).
 */
export function serviceUnder(requestsPerSecond: number, cpuLimitMillicores: number): Service {
  const capacity = cpuLimitMillicores / MILLICORES_PER_REQUEST_PER_SECOND
  const saturatedMs = (CLIENTS / capacity) * 1000
  if (requestsPerSecond >= capacity) return { requestsPerSecond: capacity, p99Ms: saturatedMs }
  const meanMs = SERVICE_TIME_MS / (1 - requestsPerSecond / capacity)
  return { requestsPerSecond, p99Ms: Math.min(saturatedMs, meanMs * P99_OF_MEAN) }
}
