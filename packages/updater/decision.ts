import type { Pod } from '@vpa/core/api/pod.ts'
import type { VpaPass } from './vpa-pass.ts'

/** What was done about one pod in one loop, and why; log fields and metric labels at once. */
export interface Decision {
  readonly do: 'evict' | 'resize' | 'nothing'
  readonly why: string
}

export function note({ log, tally }: VpaPass, pod: Pod, decision: Decision): void {
  log.debug('Decided', { pod: `${pod.namespace}/${pod.name}`, ...decision })
  tally.decisions.push(decision)
}

/** The pod should have other resources, and yet nothing is done. */
export function noteLeftAlone(pass: VpaPass, pod: Pod, why: string): void {
  const reason = why === 'no-group' ? pass.whyNoGroup(pod) : why
  note(pass, pod, { do: 'nothing', why: reason })
  pass.tally.leftAlone.set(reason, (pass.tally.leftAlone.get(reason) ?? 0) + 1)
}
