import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DurationMs } from '@vpa/core/time.ts'
import { ApiError, type StatusCause } from './api-error.ts'
import type { Storage } from './storage.ts'

export interface ResponseFault {
  /** Of the path without query, such as `/apis/metrics.k8s.io/v1beta1/pods`. */
  readonly path: RegExp
  readonly method?: string
  readonly status: number
  readonly reason?: string
  readonly message?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
  /** How many requests it meets; one unless told. */
  readonly times?: number
}

/** An answer that begins well: half of it and then nothing, or what is no JSON. */
export interface SpoiltAnswer {
  readonly path: RegExp
  readonly as: 'truncated' | 'garbage'
  readonly times?: number
}

/** What goes wrong on purpose: what a real API server does now and then, and cannot be asked for. */
export class Faults {
  readonly #storage: Storage
  readonly #watches = new Map<ServerResponse, string>()
  readonly #pending = new WeakMap<ServerResponse, Promise<void>>()
  #responses: (ResponseFault & { left: number })[] = []
  #torn: { readonly bytes: number; readonly pause: DurationMs } | undefined
  #duplicates = 0
  #reorders = 0
  readonly #held = new Map<ServerResponse, string>()
  readonly #frozen = new WeakSet<ServerResponse>()
  #spoilt: (SpoiltAnswer & { left: number })[] = []
  #made = 0

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** How often something has gone wrong so far: an answer, an event of a watch, a watch. */
  get made(): number {
    return this.#made
  }

  /** Forgets all changes: what resumes from an older version is answered with 410. */
  compact(): void {
    this.#storage.compact()
  }

  /** Cuts the connections of watches without a word. */
  dropWatches(path = /^/): number {
    const dropped = [...this.#watches].filter(([, watched]) => path.test(watched))
    for (const [response] of dropped) response.destroy()
    this.#made += dropped.length
    return dropped.length
  }

  /** Answers the next requests to a path with an error. */
  respond(fault: ResponseFault): void {
    this.#responses.push({ ...fault, left: fault.times ?? 1 })
  }

  /** Writes watch events in pieces of so many bytes, with a pause between them; undefined ends that. */
  tearChunks(torn: { readonly bytes: number; readonly pause: DurationMs } | undefined): void {
    this.#torn = torn
  }

  /** Sends each of the next so many watch events twice. */
  duplicateEvents(count: number): void {
    this.#duplicates = count
  }

  /** All goes well again. */
  clear(): void {
    this.#responses = []
    this.#spoilt = []
    this.#torn = undefined
    this.#duplicates = this.#reorders = 0
    for (const [response, text] of this.#held) this.write(response, text, 'late')
  }

  /** Sends the next so many watch events each after the one that follows it. */
  reorderEvents(count: number): void {
    this.#reorders = count
  }

  /** Nothing comes through open watches any more, yet they stay open: as when the way to the API server is gone. */
  freezeWatches(path = /^/): number {
    const frozen = [...this.#watches].filter(([response, watched]) => path.test(watched) && !this.#frozen.has(response))
    for (const [response] of frozen) this.#frozen.add(response)
    this.#made += frozen.length
    return frozen.length
  }

  /** Spoils the next answers to GET requests of a path. */
  spoil(answer: SpoiltAnswer): void {
    this.#spoilt.push({ ...answer, left: answer.times ?? 1 })
  }

  /** Ends an answer with its text, unless it is to be spoilt. */
  endAnswer(response: ServerResponse, { method, path }: { readonly method: string; readonly path: string }, text: string): void {
    const fault = method === 'GET' ? this.#spoilt.find((candidate) => candidate.path.test(path)) : undefined
    if (fault === undefined) return void response.end(text)
    this.#made += 1
    fault.left -= 1
    this.#spoilt = this.#spoilt.filter(({ left }) => left > 0)
    if (fault.as === 'garbage') response.end('<html>upstream connect error</html>')
    else response.write(text.slice(0, text.length / 2), () => response.destroy())
  }

  /** Writes a line into open watches that is no JSON. */
  garbageLine(path = /^/, line = '{"type":"MODIFIED","obj'): void {
    for (const [response, watched] of this.#watches) {
      if (!path.test(watched)) continue
      this.#made += 1
      this.write(response, `${line}\n`, 'garbage')
    }
  }

  /** The error for a request, if it is to fail. */
  take(method: string, path: string): ApiError | undefined {
    const fault = this.#responses.find((candidate) => candidate.path.test(path) && (candidate.method ?? method) === method)
    if (fault === undefined) return undefined
    this.#made += 1
    fault.left -= 1
    this.#responses = this.#responses.filter(({ left }) => left > 0)
    const { status, reason = '', message = `fault: ${method} ${path}`, causes, retryAfterSeconds } = fault
    return new ApiError(status, reason, message, { ...(causes && { causes }), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) })
  }

  /** Remembers an open watch until it closes. */
  track(response: ServerResponse, path: string): void {
    this.#watches.set(response, path)
    response.on('close', () => {
      this.#watches.delete(response)
      this.#held.delete(response)
    })
  }

  /** Writes to a watch, in order, through the faults that are set. */
  write(response: ServerResponse, text: string, type: string): void {
    if (this.#frozen.has(response)) return
    const isEvent = ['ADDED', 'MODIFIED', 'DELETED'].includes(type)
    const held = this.#held.get(response)
    if (held === undefined && isEvent && this.#reorders > 0) {
      this.#made += 1
      this.#reorders -= 1
      return void this.#held.set(response, text)
    }
    this.#held.delete(response)
    const twice = this.#duplicates > 0 && isEvent
    if (twice) {
      this.#made += 1
      this.#duplicates -= 1
    }
    const bytes = Buffer.from(`${text}${twice ? text : ''}${held ?? ''}`)
    const torn = this.#torn
    const before = this.#pending.get(response)
    if (torn === undefined && before === undefined) {
      response.write(bytes)
      return
    }
    if (torn !== undefined) this.#made += 1
    const writing = writeTorn(response, bytes, { torn: torn ?? { bytes: bytes.length, pause: 0 }, before })
    this.#pending.set(response, writing)
  }

  /** Ends a watch after all that was written to it. */
  end(response: ServerResponse): void {
    void (this.#pending.get(response) ?? Promise.resolve()).then(() => response.end())
  }
}

async function writeTorn(response: ServerResponse, bytes: Buffer, { torn, before }: { torn: { bytes: number; pause: DurationMs }; before: Promise<void> | undefined }): Promise<void> {
  await before
  for (let at = 0; at < bytes.length && !response.destroyed; at += torn.bytes) {
    response.write(bytes.subarray(at, at + torn.bytes))
    await sleep(torn.pause)
  }
}
