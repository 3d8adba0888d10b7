import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'

/** What matters of a HorizontalPodAutoscaler, `autoscaling/v2`: whom it scales, and by the use of what. */
export interface HorizontalAutoscaler extends ObjectMeta {
  readonly target: { readonly kind: string; readonly name: string }
  /** The metrics that are a share of what pods request: these are what a change of requests changes. */
  readonly utilizations: readonly Utilization[]
}

export interface Utilization {
  readonly resource: string
  /** undefined: of the whole pod. */
  readonly container: string | undefined
}

/** @param raw a HorizontalPodAutoscaler as the API server sends it; one without metrics has CPU at 80 % by then */
export function projectHorizontalAutoscaler(raw: unknown): HorizontalAutoscaler {
  const { metadata, spec } = raw as RawHorizontalAutoscaler
  const { kind = '', name = '' } = spec?.scaleTargetRef ?? {}
  const utilizations = (spec?.metrics ?? []).flatMap(({ resource, containerResource }) => {
    const source = resource ?? containerResource
    if (source?.target?.type !== 'Utilization') return []
    return [{ resource: source.name ?? '', container: containerResource?.container }]
  })
  return { ...projectMeta(metadata), target: { kind, name }, utilizations }
}

interface RawHorizontalAutoscaler {
  readonly metadata?: RawMeta
  readonly spec?: {
    readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string }
    readonly metrics?: readonly { readonly resource?: RawSource; readonly containerResource?: RawSource }[] | null
  }
}
interface RawSource {
  readonly name?: string
  readonly container?: string
  readonly target?: { readonly type?: string }
}
