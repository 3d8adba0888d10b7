import { type EpochMs, parseTime } from '@vpa/core/time.ts'
import type { Client } from './client.ts'
import { readList } from './list.ts'
import { EVENTS, pathOf } from './resources.ts'

/** Which events: about one object, or about all of a kind in a namespace that have this reason. */
export type EventQuery = { readonly kind: string; readonly namespace: string } & ({ readonly name: string } | { readonly reason: string })

export interface EventAbout {
  /** The name of the object. */
  readonly about: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly at: EpochMs | undefined
}

/**
 * What was told, the latest first. The API server keeps it for an hour.
 *
 * @throws ApiError or Error when it cannot be read
 */
export async function readEventsAbout(client: Client, query: EventQuery): Promise<readonly EventAbout[]> {
  const events: EventAbout[] = []
  const onItem = (text: string) => {
    const { involvedObject, type = '', reason = '', message = '', lastTimestamp, eventTime, firstTimestamp } = JSON.parse(text) as RawEvent
    events.push({ about: involvedObject?.name ?? '', type, reason, message, at: parseTime(lastTimestamp ?? eventTime ?? firstTimestamp) })
  }
  const which = 'name' in query ? `involvedObject.name=${query.name}` : `reason=${query.reason}`
  await readList(client, { path: pathOf(EVENTS, query.namespace), query: { fieldSelector: `involvedObject.kind=${query.kind},${which}` }, onItem })
  return events.toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))
}

interface RawEvent {
  readonly involvedObject?: { readonly name?: string } | null
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly lastTimestamp?: string | null
  readonly firstTimestamp?: string | null
  readonly eventTime?: string | null
}
