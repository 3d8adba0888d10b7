import type { Log } from '@vpa/kube/log.ts'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { type DashboardContext, DashboardData } from './data.ts'
import { dashboardServer, listen } from './server.ts'

/** Serves the dashboard as the flags have it, from now on and also while another replica leads. */
export async function openDashboard(config: Config, context: Omit<DashboardContext, 'prices'> & { readonly log: Log }): Promise<FastifyInstance> {
  const { dashboardAddress: address, dashboardCpuPrice: cpuCoreHour, dashboardMemoryPrice: memoryGibHour, dashboardCurrency: currency } = config
  const data = new DashboardData({ ...context, prices: { cpuCoreHour, memoryGibHour, currency } })
  const server = dashboardServer({ data, address, log: context.log })
  await listen(server, address, context.log)
  return server
}
