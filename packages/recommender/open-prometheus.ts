import { rereading } from '@vpa/kube/authentication.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import { prometheusAuthorization } from '@vpa/kube/prometheus-authorization.ts'
import { Prometheus } from '@vpa/kube/prometheus.ts'
import type { Config } from './config.ts'
import type { Metrics } from './metrics.ts'

export interface OpenPrometheusContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly metrics: Metrics
  readonly signal: AbortSignal
}

/** @throws Error when the address is none, or the token file cannot be read */
export async function openPrometheus(config: Config, { env, clock, metrics, signal }: OpenPrometheusContext): Promise<Prometheus> {
  if (!URL.canParse(config.prometheusAddress)) throw new Error(`--prometheus-address: not an address, such as http://prometheus.monitoring.svc: ${JSON.stringify(config.prometheusAddress)}`)
  const { prometheusBearerToken: bearerToken, prometheusBearerTokenFile: bearerTokenFile, username, password } = config
  const authentication = rereading(async () => {
    const authorization = await prometheusAuthorization({ bearerToken, bearerTokenFile, username, password, env })
    return authorization === undefined ? {} : { authorization }
  }, clock)
  // What is wrong with the file is said at start, not when this replica leads.
  await authentication.headers()
  return new Prometheus({
    address: config.prometheusAddress,
    insecure: config.prometheusInsecure,
    authentication,
    queryTimeout: config.prometheusQueryTimeout,
    clock,
    signal,
    onAnswer: (answer) => metrics.prometheusAnswer(answer),
  })
}
