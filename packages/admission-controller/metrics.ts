import { executionLatency } from '@vpa/kube/execution-timer.ts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

const NAMESPACE = 'vpa_admission_controller'
const LATENCY_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 5, 10, 20, 30, 60, 120, 300]

export type Step = 'read_request' | 'admit' | 'build_response' | 'write_response' | 'total'

/** Names, labels and buckets are upstream's (utils/metrics/admission); `certificate_days_left` is ours. */
export class AdmissionMetrics {
  readonly pods: Counter<'applied'>
  /** `status`: error (admitted unchanged because something went wrong), skipped (nothing to change), applied. */
  readonly latency: Histogram<'status' | 'resource'>
  readonly steps: Histogram<'step'>
  readonly certificateDaysLeft: Gauge

  constructor(registry: Registry) {
    const registers = [registry]
    this.pods = new Counter({ name: `${NAMESPACE}_admission_pods_total`, help: 'Number of Pods processed by VPA Admission Controller.', labelNames: ['applied'], registers })
    this.latency = new Histogram({
      name: `${NAMESPACE}_admission_latency_seconds`,
      help: 'Time spent in VPA Admission Controller.',
      labelNames: ['status', 'resource'],
      buckets: LATENCY_BUCKETS,
      registers,
    })
    this.certificateDaysLeft = new Gauge({ name: `${NAMESPACE}_certificate_days_left`, help: 'Days until the serving certificate expires; negative when it has.', registers })
    this.steps = executionLatency(registry, NAMESPACE, 'VPA Admission Controller')
  }
}
