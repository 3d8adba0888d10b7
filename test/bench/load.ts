/**
 * Sends one request over and over on TLS connections that stay open, one at a time on each, and prints as JSON what that
 * gave. It runs as a process of its own, outside the measured ones.
 *
 *   node load.ts PORT CONNECTIONS SECONDS CA-FILE BODY-FILE
 */
import { readFile } from 'node:fs/promises'
import { type TLSSocket, connect } from 'node:tls'

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 200. */
  readonly failures: number
  readonly requests: number
}

const HEAD_END = '\r\n\r\n'

const [port = '', connections = '', seconds = '', caFile = '', bodyFile = ''] = process.argv.slice(2)
const body = await readFile(bodyFile)
const ca = await readFile(caFile)
const request = Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}${HEAD_END}`), body])

const latencies: number[] = []
let failures = 0
const begin = performance.now()
const end = begin + Number(seconds) * 1000
await Promise.all(Array.from({ length: Number(connections) }, drive))
const elapsedSeconds = (performance.now() - begin) / 1000
latencies.sort((a, b) => a - b)
const percentile = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? NaN
const result: LoadResult = { requestsPerSecond: latencies.length / elapsedSeconds, p50Ms: percentile(0.5), p99Ms: percentile(0.99), failures, requests: latencies.length }
console.log(JSON.stringify(result))

/** One connection until the time is up. */
async function drive(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket: TLSSocket = connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ca })
  let answer = ''
  let sentAt = 0
  const send = () => {
    sentAt = performance.now()
    socket.write(request)
  }
  socket.setNoDelay(true).setEncoding('latin1')
  socket.on('secureConnect', send).on('error', reject).on('close', () => reject(new Error('the connection was closed')))
  socket.on('data', (chunk: string) => {
    answer += chunk
    if (!isWhole(answer)) return
    latencies.push(performance.now() - sentAt)
    if (!answer.startsWith('HTTP/1.1 200')) failures += 1
    answer = ''
    if (performance.now() < end) send()
    else resolve()
  })
  await promise.finally(() => socket.removeAllListeners('close').destroy())
}

/** Go answers in chunks when the body does not fit its buffer. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf(HEAD_END)
  if (head === -1) return false
  const length = /content-length: (\d+)/i.exec(answer.slice(0, head))?.[1]
  return length === undefined ? answer.endsWith(`\r\n0${HEAD_END}`) : answer.length >= head + HEAD_END.length + Number(length)
}
