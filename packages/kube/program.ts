import { type DurationMs, formatDuration, SECOND } from '@vpa/core/time.ts'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { type Address, formatAddress } from './address.ts'
import { type Clock, systemClock } from './clock.ts'
import { type FlagSchema, parseConfig } from './config.ts'
import { Election, type ElectionConfig } from './election.ts'
import type { CommonConfig } from './flags.ts'
import { Health } from './health.ts'
import { createLog, type Log } from './log.ts'
import { opsServer } from './ops-server.ts'
import { releaseStartUpMemory } from './start-up-memory.ts'

type ProgramConfig = CommonConfig & (ElectionConfig | { readonly leaderElect?: undefined })

/** The kubelet kills a pod 30 s after it has asked it to stop; the lease is to be given back before that. */
const STOP_GRACE = 20 * SECOND

export interface Program<Config> {
  /** Such as `vpa-recommender`. */
  readonly name: string
  /** Made of `commonFlags`, `leaderElectionFlags` where several replicas must not work at once, and the program's own. */
  readonly flags: FlagSchema<Config>
  /** How long the loop may be silent before `/health-check` fails; undefined for a program that only answers requests. */
  healthTimeout(config: Readonly<Config>): DurationMs | undefined
  /**
   * The work itself; ends soon after the signal is aborted. What it throws ends the program with exit code 1. Where only one replica
   * may work, it gets ready first, and then waits for {@link ProgramContext.lead}: a replica that stands by is as warm as the one that leads.
   */
  run(context: ProgramContext<Config>): Promise<void>
}

/** All that a program gets from outside. */
export interface ProgramContext<Config> {
  readonly config: Readonly<Config>
  readonly log: Log
  /** What `/metrics` serves. */
  readonly registry: Registry
  readonly clock: Clock
  /** Aborted by SIGTERM and SIGINT. */
  readonly signal: AbortSignal
  /**
   * Resolves with true when this replica is ready and may work: at once, unless `--leader-elect` makes it wait for the lease.
   * With false when it was told to stop before. The program ends when the lease is lost.
   */
  lead(ready: Promise<void>): Promise<boolean>
  /** Whether this replica may work at this very moment: not one that was frozen for longer than its lease, whose program is about to end. */
  leads(): boolean
  /** `standBy` where it takes long from being ready to work until the work begins, `start` then, `beat` at each turn of the loop, `report` what is wrong. */
  readonly health: Pick<Health, 'standBy' | 'start' | 'beat' | 'report'>
  /** Of the pod we run in: environment variable NAMESPACE; undefined where it is empty or not set. */
  readonly namespace: string | undefined
  /** All environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Runs one of the three programs from its command line to the end of the process: flags, log, metrics and health,
 * signals, leader election, then the program's own work.
 *
 * Exit codes: 0 after a stop that was asked for and after `--help`, 2 for a wrong flag (before anything starts),
 * 1 for everything else, a lost lease and an occupied port included.
 */
export async function runProgram<Config extends ProgramConfig>(program: Program<Config>): Promise<never> {
  const config = readCommandLine(program)
  const text = config.logFormat === 'text' || (config.logFormat === 'auto' && process.stderr.isTTY)
  const log = createLog({ verbosity: config.v, format: text ? 'text' : 'json', clock: systemClock })
  const die = (error: unknown): never => {
    log.error('Stopped by an error', { error })
    process.exit(1)
  }
  process.on('uncaughtException', die)
  log.info('Starting', { program: program.name })
  await operate(program, config, log).catch(die)
  log.info('Stopped')
  process.exit(0)
}

function readCommandLine<Config>({ name, flags }: Program<Config>): Readonly<Config> {
  const parsed = parseConfig(flags, process.argv.slice(2))
  if ('config' in parsed) return parsed.config
  if ('help' in parsed) process.stdout.write(`Usage: ${name} [flags]\n\n${parsed.help}`)
  else process.stderr.write(`${name}: ${parsed.problem}\n`)
  process.exit('help' in parsed ? 0 : 2)
}

async function operate<Config extends ProgramConfig>(program: Program<Config>, config: Readonly<Config>, log: Log): Promise<void> {
  const clock = systemClock
  const signal = stopSignal(log)
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const health = new Health({ timeout: program.healthTimeout(config), clock })
  // Not ready from the moment it is asked to stop: the Service's endpoints forget the pod while it still answers.
  signal.addEventListener('abort', () => health.stop(), { once: true })
  const server = opsServer({ registry, health, profiling: config.profiling, clock })
  await listen(server, config.address, log)
  void releaseStartUpMemory(clock, signal)

  const common: Readonly<ProgramConfig> = config
  const election = common.leaderElect ? new Election(program.name, common, { log, clock, registry, signal, health }) : undefined
  const lead = async (ready: Promise<void>) => {
    await Promise.race([ready, aborted(signal)])
    return !signal.aborted && (election === undefined || (await election.lead()))
  }
  const leads = () => election === undefined || election.isLeader
  const namespace = process.env['NAMESPACE'] || undefined
  if (!signal.aborted) await Promise.race([program.run({ config, log, registry, clock, signal, health, lead, leads, namespace, env: process.env }), overdue(signal, clock), ...(election ? [election.lost] : [])])
  // Reached by work that has ended. What still goes on when the lease is lost or the time is up ends with the process, and the lease
  // must outlast it: another replica would work beside us.
  await election?.end()
  await server.close()
}

/** Aborted by the first SIGTERM or SIGINT. A second one ends the process at once, whatever it is busy with. */
function stopSignal(log: Log): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1)
      log.info('Stopping', { signal: name })
      stop.abort()
    })
  }
  return stop.signal
}

/** Rejects when work that was told to stop goes on for too long. */
async function overdue(signal: AbortSignal, clock: Clock): Promise<never> {
  await aborted(signal)
  await clock.sleep(STOP_GRACE)
  throw new Error(`work went on for ${formatDuration(STOP_GRACE)} after the signal to stop`)
}

/** An event that was is not heard any more, so a signal that is aborted already is looked at. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

async function listen(server: FastifyInstance, address: Address, log: Log): Promise<void> {
  try {
    await server.listen(address)
  } catch (cause) {
    throw new Error(`cannot serve metrics at ${formatAddress(address)}; choose another address with --address`, { cause })
  }
  const bound = server.server.address()
  log.info('Serving metrics and health', { port: typeof bound === 'object' ? bound?.port : undefined })
}
