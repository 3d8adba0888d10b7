import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below what a system gives to outgoing connections and to whoever asks for any port (Linux: from 32768), and below the local control plane's (from 20000): nobody gets it by chance before it is used. */
const FIRST = 10_000
const COUNT = 10_000

/** A port that is free now, on all interfaces, for what must be told its port before it listens, such as a webhook's URL. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + randomInt(COUNT)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
