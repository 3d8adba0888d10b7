import type { EpochMs } from '../time.ts'
import type { Mark } from './mark.ts'
import type { Prices } from './price.ts'
import type { SummaryPage } from './summary-query.ts'
import type { VpaView } from './vpa-view.ts'

/** What every answer of the dashboard's API begins with. */
interface Answer {
  readonly at: EpochMs
  /** When the recommender last went through all VPAs; undefined where it has just started, or stands by for another replica that leads. */
  readonly turnedAt: EpochMs | undefined
  readonly prices: Prices & { readonly currency: string }
}

/** Of `/api/vpas`. In JSON, an undefined field is absent. */
export interface ListAnswer extends Answer, SummaryPage {
  /** All that have a VPA, in order. */
  readonly namespaces: readonly string[]
}

/** Of `/api/vpas/NAMESPACE/NAME`. In JSON, an undefined field is absent, and an undefined item null. */
export interface VpaAnswer extends Answer, VpaView {
  /** The latest first. */
  readonly marks: readonly Mark[]
  /** Why marks may be missing, in words. */
  readonly marksMissing: string | undefined
}

/** Of anything that could not be answered. */
export interface ErrorAnswer {
  readonly error: string
}
