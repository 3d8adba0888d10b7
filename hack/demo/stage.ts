import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from './api.ts'
import type { Transcript } from './transcript.ts'

export interface StoryOptions {
  readonly transcript: Transcript
  /** Leave everything up at the end until the signal is aborted. */
  readonly keep: boolean
  /** Ends the story early. */
  readonly signal: AbortSignal
}

/** What every scene of a story needs. */
export interface Stage {
  readonly api: Api
  readonly cluster: StageCluster
  readonly transcript: Transcript
  readonly signal: AbortSignal
}

interface StageCluster {
  readonly kubeconfig: string
  /** How long the story waits for anything that must happen. */
  readonly patienceSeconds: number
}

const POLL_MS = 250

/**
 * Looks until there is something to see.
 *
 * @throws Error that names what did not come to pass; the signal's reason when it is aborted
 */
export async function until<T>({ cluster, signal }: Pick<Stage, 'cluster' | 'signal'>, what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + cluster.patienceSeconds * 1000
  while (Date.now() < end) {
    signal.throwIfAborted()
    const seen = await look()
    if (seen !== undefined) return seen
    await sleep(POLL_MS)
  }
  throw new Error(`waited ${cluster.patienceSeconds} s for ${what}`)
}

/** @param commands worth a try, a line each */
export async function stayUp({ cluster, transcript, signal }: Stage, commands: readonly string[]): Promise<void> {
  transcript.say('Everything stays up until Ctrl-C. In another terminal:')
  for (const line of [`export KUBECONFIG=${cluster.kubeconfig}`, ...commands]) transcript.say(`  ${line}`)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
