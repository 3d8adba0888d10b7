import type { ApiRequest, Client } from './client.ts'
import { ItemSplitter } from './splitter.ts'

/** Enough for the usage of half a million pods: what is longer is no list of metrics, and would be held whole. */
export const LONGEST_METRICS = 256 * 1024 * 1024

export interface ListRequest extends Pick<ApiRequest, 'path' | 'query' | 'signal'> {
  /** Objects per answer; undefined asks for all in one. The API server ignores it where it answers from its cache. */
  readonly pageSize?: number
  /** In bytes, of all answers together. Default: no limit, for those of the API server itself. */
  readonly longest?: number
  /** Given the JSON text of each object, as it arrives. */
  readonly onItem: (text: string) => void
}

/**
 * Reads a list of any length with the memory of one object.
 *
 * @returns the resourceVersion from which a watch goes on
 * @throws RangeError when it is longer than it may be; ApiError, of status 410 when the list took longer than the API server remembers its beginning
 */
export async function readList(client: Client, { path, query, signal, pageSize, longest = Infinity, onItem }: ListRequest): Promise<string> {
  let page: ListMeta = {}
  let length = 0
  do {
    // A continue token already says which state of the cluster is listed; the API server refuses both together.
    const next = page.continue ? { ...query, resourceVersion: undefined, continue: page.continue } : query
    const bytes = await client.stream({ path, query: { ...next, limit: pageSize }, ...(signal && { signal }) })
    const splitter = new ItemSplitter()
    for await (const chunk of bytes) {
      length += chunk.length
      if (length > longest) throw new RangeError(`${path}: the list is longer than ${longest} bytes`)
      for (const item of splitter.push(chunk)) onItem(item)
    }
    const { continue: before } = page
    page = (JSON.parse(splitter.end()) as { metadata?: ListMeta }).metadata ?? {}
    if (page.continue && String(page.continue) === String(before)) throw new Error('the list goes on where it was, for ever')
  } while (page.continue)
  return page.resourceVersion ?? ''
}

interface ListMeta {
  readonly resourceVersion?: string
  readonly continue?: string
}
