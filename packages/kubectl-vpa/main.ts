#!/usr/bin/env node
import { systemClock } from '@vpa/kube/clock.ts'
import { usersKubeconfigs } from '@vpa/kube/credentials.ts'
import { runCommandLine } from './command-line.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stdout.isTTY === true,
  // Heeds NO_COLOR and the kind of the terminal.
  colours: process.stdout.isTTY === true && process.stdout.hasColors(),
  clock: systemClock,
  signal: stop.signal,
  kubeconfigs: () => usersKubeconfigs(),
})
