/**
 * The clients of the proxy: 20 of them, five requests a second each, as long as the answers come fast enough; a client waits for its
 * answer before it asks again. Prints one line of JSON a second: requests that were answered, and the time within which 99 % of them were.
 * Runs in a container beside the proxy, so that all traffic stays on the loopback of their pod.
 */
import { Agent, get } from 'node:http'

const PORT = 8080
const CLIENTS = 20
const PERIOD_MS = 200
const REPORT_MS = 1000

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
let answered: number[] = []

for (let client = 0; client < CLIENTS; client += 1) setTimeout(ask, (client * PERIOD_MS) / CLIENTS)
setInterval(report, REPORT_MS)
process.on('SIGTERM', () => process.exit())

function ask(): void {
  const begin = performance.now()
  const again = () => setTimeout(ask, Math.max(0, begin + PERIOD_MS - performance.now()))
  const request = get({ host: '127.0.0.1', port: PORT, agent }, (response) => {
    response.resume()
    response.on('end', () => {
      answered.push(performance.now() - begin)
      again()
    })
  })
  // The proxy is not there yet, or not any more.
  request.on('error', again)
}

function report(): void {
  const sorted = answered.toSorted((a, b) => a - b)
  answered = []
  console.log(JSON.stringify({ answered: sorted.length, p99Ms: Math.round(sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0) }))
}
