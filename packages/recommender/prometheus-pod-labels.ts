import type { Pod } from '@vpa/core/api/pod.ts'
import type { Labels } from '@vpa/core/selector.ts'
import { type EpochMs, SECOND } from '@vpa/core/time.ts'
import type { Series } from '@vpa/kube/prometheus.ts'
import type { PodLabelOptions } from './prometheus-options.ts'

/** In bytes, without what a Map adds: 300 for each of 900,000 pods. */
const MOST_LABELS = 256 * 1024 * 1024

/**
 * The labels of pods as Prometheus knew them last, for the pods that are gone. Prometheus writes `app_kubernetes_io_name` for
 * `app.kubernetes.io/name`; keys that living pods bear are written as those have them, so that selectors match.
 */
export class PrometheusPodLabels {
  readonly #options: PodLabelOptions
  readonly #keys: ReadonlyMap<string, string>
  readonly #known = new Map<string, { readonly labels: Labels; readonly size: number; readonly seenAt: EpochMs }>()
  #bytes = 0

  constructor(options: PodLabelOptions, living: Iterable<Pod>) {
    this.#options = options
    this.#keys = originalKeys(living)
  }

  /**
   * Of a series whose values say nothing.
   *
   * @throws RangeError where its labels are more than may be kept
   */
  add({ labels, points }: Series): void {
    this.#add(labels, points.at(-1)?.at)
  }

  /** As {@link add}, of a series whose value is the time, in seconds, when it was last there. */
  addFormer({ labels, points }: Series): void {
    const seconds = points.at(-1)?.value
    this.#add(labels, seconds === undefined ? undefined : seconds * SECOND)
  }

  of(namespace: string, podName: string): Labels | undefined {
    return this.#known.get(`${namespace}/${podName}`)?.labels
  }

  get size(): number {
    return this.#known.size
  }

  /** The newest series of a pod wins. */
  #add(series: Labels, seenAt: EpochMs | undefined): void {
    const { namespace, podName, prefix } = this.#options
    if (seenAt === undefined || !series[namespace] || !series[podName]) return
    const pod = `${series[namespace]}/${series[podName]}`
    const known = this.#known.get(pod)
    if ((known?.seenAt ?? -Infinity) >= seenAt) return
    const own = Object.entries(series).filter(([key]) => key.startsWith(prefix) && key !== prefix)
    const labels = Object.fromEntries(own.map(([key, value]) => [this.#originalKey(key.slice(prefix.length)), value]))
    const size = own.reduce((sum, [key, value]) => sum + key.length + String(value).length, pod.length)
    const bytes = this.#bytes + size - (known?.size ?? 0)
    if (bytes > MOST_LABELS) throw new RangeError(`expected at most ${MOST_LABELS} bytes of pod labels from Prometheus; got more: --metric-for-pod-labels may choose fewer series`)
    this.#bytes = bytes
    this.#known.set(pod, { labels, size, seenAt })
  }

  #originalKey(key: string): string {
    return this.#keys.get(key) ?? key
  }
}

/** By what Prometheus makes of them. Where two keys become one, neither is sure. */
function originalKeys(pods: Iterable<Pod>): ReadonlyMap<string, string> {
  const originals = new Map<string, string>()
  for (const key of new Set([...pods].flatMap(({ labels }) => Object.keys(labels)))) {
    const sanitized = key.replaceAll(/[^a-zA-Z0-9_]/g, '_')
    originals.set(sanitized, originals.has(sanitized) ? sanitized : key)
  }
  return originals
}
