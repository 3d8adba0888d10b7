import { executionLatency } from '@vpa/kube/execution-timer.ts'
import { type Tally, TallyHistogram } from '@vpa/kube/tally-histogram.ts'
import { Counter, Gauge, type Registry } from 'prom-client'

const NAMESPACE = 'vpa_admission_controller'
const LATENCY_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 5, 10, 20, 30, 60, 120, 300]

export type Step = 'read_request' | 'admit' | 'build_response' | 'write_response' | 'total'

/** Names, labels and buckets are upstream's (utils/metrics/admission); `certificate_days_left` is ours. */
export class AdmissionMetrics {
  readonly pods: Counter<'applied'>
  /** `status`: error (admitted unchanged because something went wrong), skipped (nothing to change), applied. */
  readonly latency: TallyHistogram<'status' | 'resource'>
  readonly steps: Readonly<Record<Step, Tally>>
  readonly certificateDaysLeft: Gauge

  constructor(registry: Registry) {
    const registers = [registry]
    this.pods = new Counter({ name: `${NAMESPACE}_admission_pods_total`, help: 'Number of Pods processed by VPA Admission Controller.', labelNames: ['applied'], registers })
    this.latency = new TallyHistogram({
      name: `${NAMESPACE}_admission_latency_seconds`,
      help: 'Time spent in VPA Admission Controller.',
      labelNames: ['status', 'resource'],
      buckets: LATENCY_BUCKETS,
      registry,
    })
    this.certificateDaysLeft = new Gauge({ name: `${NAMESPACE}_certificate_days_left`, help: 'Days until the serving certificate expires; negative when it has.', registers })
    const steps = executionLatency(registry, NAMESPACE, 'VPA Admission Controller')
    const tally = (step: Step) => steps.series({ step })
    this.steps = {
      read_request: tally('read_request'),
      admit: tally('admit'),
      build_response: tally('build_response'),
      write_response: tally('write_response'),
      total: tally('total'),
    }
  }
}
