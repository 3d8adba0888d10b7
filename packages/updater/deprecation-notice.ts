import { type Vpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import type { Log } from '@vpa/kube/log.ts'

/** Tells once per VPA that its mode Auto has another name by now (kubernetes/autoscaler issue 8424). */
export class DeprecationNotice {
  readonly #log: Log
  #told: ReadonlySet<string> = new Set()

  constructor(log: Log) {
    this.#log = log
  }

  give(vpas: readonly Vpa[]): void {
    const deprecated = vpas.filter((vpa) => updateModeOf(vpa) === 'Auto')
    for (const { namespace, name, uid } of deprecated) {
      if (this.#told.has(uid)) continue
      this.#log.warn('updateMode Auto is deprecated, use Recreate, Initial or InPlaceOrRecreate instead', { vpa: `${namespace}/${name}`, issue: 'https://github.com/kubernetes/autoscaler/issues/8424' })
    }
    this.#told = new Set(deprecated.map(({ uid }) => uid))
  }
}
