import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ClientOptions, Client } from '@vpa/kube/client.ts'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import { fakeClock } from './fake-clock.ts'

/** One request as it came in. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void

export interface ApiServer {
  readonly url: string
  /** In the order in which they came. */
  readonly seen: readonly SeenRequest[]
  /** What answers from now on. */
  handle(handler: Handler): void
}

/** A real HTTP server on loopback that answers as the test says; it is closed when the test ends. */
export async function startApiServer(handler: Handler): Promise<ApiServer> {
  let answer = handler
  const seen: SeenRequest[] = []
  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://server')
    const body = (await incoming.toArray()).join('')
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      body: decoded(body, incoming.headers['content-type']),
    }
    seen.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen, handle: (next) => void (answer = next) }
}

function decoded(body: string, type: string | undefined): unknown {
  if (body === '') return undefined
  return type === 'application/x-www-form-urlencoded' ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body)
}

/** A client of that server without limits; it is closed when the test ends. */
export function clientOf(server: Pick<ApiServer, 'url'>, options: Partial<ClientOptions> = {}): Client {
  const credentials = { server: server.url, tls: {}, headers: async () => ({}), refused: () => {} }
  const client = new Client({ credentials, qps: 0, burst: 0, userAgent: 'test', clock: fakeClock(), registry: new Registry(), ...options })
  onTestFinished(() => client.close())
  return client
}

/** Sends the beginning, and then more of the same; it would end after 96 MiB. */
export function sendWithoutEnd(response: ServerResponse, status: number, beginning: string): void {
  const piece = 'x'.repeat(64 * 1024)
  let left = 1536
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= 1
      if (!response.write(piece)) return
    }
    response.end()
  }
  response.on('drain', more).writeHead(status).write(beginning)
  more()
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Answers with a refusal as the API server words it. */
export function refuse(response: ServerResponse, status: number, details: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): void {
  json(response, status, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, ...details }, headers)
}
