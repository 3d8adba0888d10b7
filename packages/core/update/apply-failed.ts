import type { JsonPatch } from '../admit/json-patch.ts'
import { type Vpa, type VpaCondition, conditionJson } from '../api/vpa.ts'
import { type EpochMs, formatTime, parseTime } from '../time.ts'
import type { Trouble, TroubleTold } from './outcome-check.ts'

const TYPE = 'ApplyFailed'

/** The condition that tells of a trouble; without one there is none. */
function applyFailedCondition({ reason, message, since, nextAttempt }: Trouble): VpaCondition {
  return { type: TYPE, status: 'True', reason, message: `${message} Next attempt after ${formatTime(nextAttempt)}.`, lastTransitionTime: since }
}

/** What the condition on a VPA tells to an updater that has just started; undefined where it tells nothing. */
export function troubleTold({ status }: Vpa, now: EpochMs): TroubleTold | undefined {
  const told = status.conditions?.find(({ type }) => type === TYPE)
  if (told?.status !== 'True') return undefined
  const nextAttempt = / Next attempt after (\S+)\.$/.exec(told.message)?.[1]
  return { reason: told.reason as Trouble['reason'], message: told.message.replace(/ Next attempt after .*$/, ''), since: told.lastTransitionTime ?? now, nextAttempt: parseTime(nextAttempt) }
}

/**
 * Sets or removes this one condition, and leaves those of the recommender alone. Refused by the API server when somebody
 * else has written the VPA meanwhile: positions in the list may be other ones then.
 *
 * @returns undefined when the VPA has it already
 */
export function applyFailedPatch({ status, resourceVersion }: Vpa, trouble: Trouble | undefined): JsonPatch | undefined {
  const index = status.conditions?.findIndex(({ type }) => type === TYPE) ?? -1
  const before = status.conditions?.[index]
  const after = trouble && applyFailedCondition(trouble)
  if (after === undefined && before === undefined) return undefined
  if (after && before && JSON.stringify(conditionJson(after)) === JSON.stringify(conditionJson(before))) return undefined
  const unchanged = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion } as const
  if (after === undefined) return [unchanged, { op: 'remove', path: `/status/conditions/${index}` }]
  const value = conditionJson(after)
  if (before) return [unchanged, { op: 'replace', path: `/status/conditions/${index}`, value }]
  return [unchanged, status.conditions ? { op: 'add', path: '/status/conditions/-', value } : { op: 'add', path: '/status/conditions', value: [value] }]
}
