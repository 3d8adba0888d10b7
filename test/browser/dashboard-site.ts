import { select } from '@vpa/core/advise/summary-query.ts'
import { DEFAULT_PRICES } from '@vpa/core/advise/price.ts'
import type { ListAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { Recorder } from 'vpa-recommender/dashboard/recorder.ts'
import { Config, recommenderOptions } from 'vpa-recommender/config.ts'
import { DashboardData } from 'vpa-recommender/dashboard/data.ts'
import { dashboardServer } from 'vpa-recommender/dashboard/server.ts'
import { onTestFinished } from 'vitest'
import { memoryCluster } from '../bench/memory-cluster.ts'
import { recommendationWith } from '../support/objects.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { silentLog } from '../support/recorded-log.ts'

type Data = Parameters<typeof dashboardServer>[0]['data']


export interface Site {
  readonly url: string
  stop(): Promise<void>
  /** At the same address again. */
  start(): Promise<void>
}

/** Serves a dashboard on a free loopback port until the test ends. */
export async function serve(data: Data): Promise<Site> {
  let port = 0
  const start = async () => {
    const server = dashboardServer({ data, address: { host: '127.0.0.1', port }, log: silentLog })
    port = Number(new URL(await server.listen({ host: '127.0.0.1', port })).port)
    return server
  }
  let server: Awaited<ReturnType<typeof start>> | undefined = await start()
  const stop = async () => {
    await server?.close()
    server = undefined
  }
  onTestFinished(stop)
  return { url: `http://127.0.0.1:${port}/`, stop, start: async () => void (server = await start()) }
}

/** A cluster without any VPA. */
export const NO_VPAS: Data = {
  list: (query): ListAnswer => ({ at: 0, turnedAt: 0, prices: { ...DEFAULT_PRICES, currency: '$' }, namespaces: [], ...select([], query) }),
  view: async () => undefined,
}

/** So many VPAs with two pods each; every third should have less, every fifth much more. */
export async function manyVpas(count: number): Promise<DashboardData> {
  const clock = fakeClock()
  const { cluster } = memoryCluster({ namespaces: 40, vpas: count, podsPerVpa: 2, containersPerPod: 1 })
  for (const [index, { namespace, name }] of [...cluster.vpas.list()].entries()) {
    const target = index % 5 === 0 ? { cpu: `${700 + (index % 97)}m`, memory: '512Mi' } : index % 3 === 0 ? { cpu: '25m', memory: '64Mi' } : { cpu: `${90 + (index % 20)}m`, memory: '128Mi' }
    await cluster.patchVpaStatus({ namespace, name }, { recommendation: { containerRecommendations: [...recommendationWith({ 'app-0': { target } })] }, conditions: undefined, observedGeneration: undefined })
  }
  return new DashboardData({ cluster, clock, options: recommenderOptions(Config.parse({})), prices: { ...DEFAULT_PRICES, currency: '$' }, recorder: new Recorder(60_000), recommender: { usageOf: () => undefined, surroundingsOf: () => undefined, turnedAt: clock.now() } })
}
