import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import { openControlPlane } from './control-plane.ts'
import type { BenchOptions } from './options.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import { until } from './measured-program.ts'
import { type Report, median } from './report.ts'
import { PROGRAM_NAMES, type ProgramName } from '../../hack/program-names.ts'
import { type Side, Trio } from './trio.ts'

const IDLE_SECONDS = 30

interface Run {
  readonly readySeconds: number
  readonly startCpuSeconds: number
  readonly idleRssMib: number
  /** Of one core. */
  readonly idleCpuPercent: number
}

/** From the start until the health check answers, and half a minute of nothing to do, on an empty cluster. */
export async function benchStartUp(bench: Bench, { rounds, keep }: BenchOptions, report: Report): Promise<void> {
  const { kubeconfig, directory } = await openControlPlane(bench, { nodes: 1, metricResolutionSeconds: 60, keep })
  const trio = await Trio.open(bench, { kubeconfig, directory })
  const pki = join(directory, 'control-plane', 'pki')
  for (const name of PROGRAM_NAMES) {
    const found = { go: [] as Run[], ours: [] as Run[] }
    for (let round = 1; round <= rounds; round += 1) {
      bench.say(`start-up of the ${name}, round ${round} of ${rounds}`)
      const runs = await Promise.all(trio.sides.map(async (side) => ({ side, run: await measure(trio, side, name, pki) })))
      for (const { side, run } of runs) found[side].push(run)
    }
    const figure = (what: string, unit: string, of: (run: Run) => number) => ({ work: `${name}: ${what}`, unit, go: found.go.length === 0 ? undefined : median(found.go.map(of)), ours: median(found.ours.map(of)) })
    report.figure(figure('start until the health check answers', 's', ({ readySeconds }) => readySeconds))
    report.figure(figure('start until the health check answers', 'CPU s', ({ startCpuSeconds }) => startCpuSeconds))
    report.figure({ ...figure('idle RSS', 'MiB', ({ idleRssMib }) => idleRssMib), goal: { atMost: 80 } })
    report.figure(figure('idle CPU', '% of a core', ({ idleCpuPercent }) => idleCpuPercent))
  }
}

async function measure(trio: Trio, side: Side, name: ProgramName, pki: string): Promise<Run> {
  const files = { 'client-ca-file': join(pki, 'ca.crt'), 'tls-cert-file': join(pki, 'kubelet.crt'), 'tls-private-key': join(pki, 'kubelet.key') }
  const flags = name === 'admission-controller' ? { ...files, port: await freePort(), 'register-webhook': false, 'status-lease-name': `start-${side}` } : {}
  const beganAt = performance.now()
  const program = await trio.start(side, name, flags)
  await until(`${side} ${name} is healthy`, 60_000, () => program.isHealthy())
  const readySeconds = (performance.now() - beganAt) / 1000
  const { cpuSeconds: startCpuSeconds } = await program.usage()
  // What a start leaves behind is not idleness.
  await sleep(5000)
  const before = await program.usage()
  await sleep(IDLE_SECONDS * 1000)
  const after = await program.usage()
  await program.stop()
  return { readySeconds, startCpuSeconds, idleRssMib: after.rssMib, idleCpuPercent: ((after.cpuSeconds - before.cpuSeconds) / IDLE_SECONDS) * 100 }
}
