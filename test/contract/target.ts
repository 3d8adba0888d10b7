import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'

/** An API server that the cases are run against, spoken to over plain HTTP so that nothing is smoothed out. */
export interface Target {
  get(path: string, options?: RequestOptions): Promise<Answer>
  post(path: string, body: object, options?: RequestOptions): Promise<Answer>
  put(path: string, body: object): Promise<Answer>
  patch(path: string, type: PatchType, body: unknown): Promise<Answer>
  delete(path: string, body?: object): Promise<Answer>
  /** An open watch; it is closed when the case ends. */
  watch(path: string, options?: RequestOptions): Promise<Watch>
  /** Closes what is still open. */
  close(): void
}

export interface RequestOptions {
  readonly accept?: string
}

export type PatchType = 'json-patch+json' | 'merge-patch+json' | 'strategic-merge-patch+json' | 'apply-patch+yaml'

// oxlint-disable-next-line typescript/no-explicit-any -- answers are what the server says; the cases assert their shape
export type Json = any

export interface Answer {
  readonly code: number
  readonly body: Json
}

export interface Watch {
  /** The next event; waits for it. */
  next(): Promise<{ readonly type: string; readonly object: Json } | undefined>
}

interface Credentials {
  readonly server: string
  readonly agent: Agent | undefined
}

/** @param kubeconfig its text; certificates in it are inline */
export function openTarget(kubeconfig: string): Target {
  const credentials = readKubeconfig(kubeconfig)
  const open = new Set<ClientRequest>()

  function send(method: string, path: string, { body, type = 'application/json', accept = 'application/json' }: { body?: unknown; type?: string; accept?: string } = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers = { accept, ...(text !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(text) }) }
      const url = new URL(path, credentials.server)
      const request = url.protocol === 'https:' ? httpsRequest(url, { method, headers, agent: credentials.agent }, resolve) : httpRequest(url, { method, headers }, resolve)
      open.add(request)
      request.on('error', reject).on('close', () => open.delete(request)).end(text)
    })
  }

  return {
    get: (path, options = {}) => answer(send('GET', path, options)),
    post: (path, body, options = {}) => answer(send('POST', path, { body, ...options })),
    put: (path, body) => answer(send('PUT', path, { body })),
    patch: (path, type, body) => answer(send('PATCH', path, { body, type: `application/${type}` })),
    delete: (path, body) => answer(send('DELETE', path, body === undefined ? {} : { body })),
    watch: async (path, options = {}) => {
      const response = await send('GET', path, options)
      const lines = createInterface({ input: response })[Symbol.asyncIterator]()
      return {
        next: async () => {
          const { done, value } = await lines.next()
          return done ? undefined : JSON.parse(value)
        },
      }
    },
    close: () => open.forEach((request) => request.destroy()),
  }
}

async function answer(message: Promise<IncomingMessage>): Promise<Answer> {
  const response = await message
  const text = (await response.toArray()).join('')
  const isJson = response.headers['content-type']?.includes('json') ?? false
  return { code: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text }
}

function readKubeconfig(text: string): Credentials {
  const { clusters, users } = parse(text) as { clusters: { cluster: Record<string, string> }[]; users: { user: Record<string, string> }[] }
  const { server = '', 'certificate-authority-data': ca } = clusters[0]?.cluster ?? {}
  const { 'client-certificate-data': cert = '', 'client-key-data': key = '' } = users[0]?.user ?? {}
  return { server, agent: ca === undefined ? undefined : new Agent({ ca: Buffer.from(ca, 'base64'), cert: Buffer.from(cert, 'base64'), key: Buffer.from(key, 'base64'), keepAlive: true }) }
}

/** Looks again until there is something to see; fails with the last thing that was seen. */
export async function eventually<T>(look: () => Promise<T>, isThere: (seen: T) => boolean, patienceMs = 30_000): Promise<T> {
  const end = Date.now() + patienceMs
  for (;;) {
    const seen = await look()
    if (isThere(seen)) return seen
    if (Date.now() > end) throw new Error(`not seen within ${patienceMs} ms; last: ${JSON.stringify(seen)}`)
    await sleep(100)
  }
}
