import { type EpochMs, parseTime } from '@vpa/core/time.ts'
import type { Client } from './client.ts'
import { readList } from './list.ts'
import { EVENTS, pathOf } from './resources.ts'

export interface EventAbout {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly at: EpochMs | undefined
}

/** What was told about an object, the latest first. The API server keeps it for an hour. */
export async function readEventsAbout(client: Client, { kind, namespace, name }: { readonly kind: string; readonly namespace: string; readonly name: string }): Promise<readonly EventAbout[]> {
  const events: EventAbout[] = []
  const onItem = (text: string) => {
    const { type = '', reason = '', message = '', lastTimestamp, eventTime, firstTimestamp } = JSON.parse(text) as RawEvent
    events.push({ type, reason, message, at: parseTime(lastTimestamp ?? eventTime ?? firstTimestamp) })
  }
  await readList(client, { path: pathOf(EVENTS, namespace), query: { fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}` }, onItem })
  return events.toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))
}

interface RawEvent {
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly lastTimestamp?: string | null
  readonly firstTimestamp?: string | null
  readonly eventTime?: string | null
}
