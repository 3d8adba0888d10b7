/**
 * A proxy as its node sees it: serves HTTP on loopback; each request burns CPU time and holds memory for a second.
 * Runs in a container by itself: nothing but Node, one file.
 */
import { createServer } from 'node:http'

const PORT = 8080
const CPU_MICROSECONDS_PER_REQUEST = 4000
const BYTES_PER_REQUEST = 256 * 1024
const HELD_MS = 1000

const server = createServer((_request, response) => {
  const held = Buffer.alloc(BYTES_PER_REQUEST, 1)
  setTimeout(() => held.length, HELD_MS)
  const end = cpuMicroseconds() + CPU_MICROSECONDS_PER_REQUEST
  while (cpuMicroseconds() < end);
  response.end('ok\n')
})
server.listen(PORT, '127.0.0.1')
process.on('SIGTERM', () => process.exit())

/** CPU time and not wall time: while its limit holds the container back, this stands still. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
