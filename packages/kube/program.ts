import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type DurationMs, formatDuration, SECOND } from '@vpa/core/time.ts'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { z } from 'zod'
import { type Address, formatAddress } from './address.ts'
import type { Client } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import { type FlagSchema, parseConfig } from './config.ts'
import { openClient } from './connect.ts'
import type { commonFlags, leaderElectionFlags } from './flags.ts'
import { Health } from './health.ts'
import { awaitLeadership, type Leadership } from './leader.ts'
import { createLog, type Log } from './log.ts'
import { opsServer } from './ops-server.ts'
import { releaseStartUpMemory } from './start-up-memory.ts'

type CommonConfig = z.output<z.ZodObject<ReturnType<typeof commonFlags>>>
type LeaderElectionConfig = z.output<z.ZodObject<ReturnType<typeof leaderElectionFlags>>>
type ProgramConfig = CommonConfig & (LeaderElectionConfig | { readonly leaderElect?: undefined })

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
  /** `start` when the work begins, `beat` at each turn of the loop, `report` what is wrong. */
  readonly health: Pick<Health, 'start' | 'beat' | 'report'>
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

  const election = electionFor(program.name, config, { log, clock, registry, signal, health })
  const lead = async (ready: Promise<void>) => {
    await Promise.race([ready, aborted(signal)])
    return !signal.aborted && (election === undefined || (await election.lead()))
  }
  const namespace = process.env['NAMESPACE'] || undefined
  if (!signal.aborted) await Promise.race([program.run({ config, log, registry, clock, signal, health, lead, namespace, env: process.env }), overdue(signal, clock), ...(election ? [election.lost] : [])])
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
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

function electionFor(name: string, config: Readonly<ProgramConfig>, context: ElectionContext): Election | undefined {
  return config.leaderElect ? new Election(name, config, context) : undefined
}

type ElectionContext = Pick<ProgramContext<unknown>, 'log' | 'clock' | 'registry' | 'signal'> & { readonly health: Health }

/** The replica's part in the election of the one that works. */
class Election {
  /** Rejects when we led and lost the lease. */
  readonly lost: Promise<never>
  readonly #name: string
  readonly #config: Readonly<CommonConfig & LeaderElectionConfig>
  readonly #context: ElectionContext
  readonly #lose: (error: Error) => void
  #client: Client | undefined
  #leadership: Leadership | undefined

  constructor(name: string, config: Readonly<CommonConfig & LeaderElectionConfig>, context: ElectionContext) {
    this.#name = name
    this.#config = config
    this.#context = context
    const { promise, reject } = Promise.withResolvers<never>()
    this.lost = promise
    this.#lose = reject
  }

  async lead(): Promise<boolean> {
    const { log, clock, registry, signal, health } = this.#context
    const config = this.#config
    // A client of its own: renewals never queue behind the program's requests.
    this.#client = await openClient({ kubeconfig: config.kubeconfig, source: `${this.#name}/leader-election`, qps: 0, burst: 0, clock, registry })
    const options = {
      client: this.#client,
      clock,
      log,
      identity: `${hostname()}_${randomUUID()}`,
      namespace: config.leaderElectResourceNamespace,
      name: config.leaderElectResourceName,
      leaseDuration: config.leaderElectLeaseDuration,
      renewDeadline: config.leaderElectRenewDeadline,
      retryPeriod: config.leaderElectRetryPeriod,
      random: Math.random,
    }
    const leads = leaderGauge(registry)
    leads.set({ name: options.name }, 0)
    health.standBy()
    log.info('Waiting for the leader lease', { namespace: options.namespace, lease: options.name })
    this.#leadership = await awaitLeadership(options, signal)
    leads.set({ name: options.name }, Number(this.#leadership !== undefined))
    void this.#leadership?.lost.then(() => this.#lose(new Error('lost master')))
    return this.#leadership !== undefined
  }

  /** The work has ended. Gives the lease back, if we hold it. */
  async end(): Promise<void> {
    await this.#leadership?.release()
    await this.#client?.close()
  }
}

/** The name and label of Kubernetes' own metric. Who has lost the lease ends, and so its series does. */
export function leaderGauge(registry: Registry): Gauge<'name'> {
  return new Gauge({ name: 'leader_election_master_status', help: '1 while this replica leads, 0 while it stands by; by the name of the lease.', labelNames: ['name'], registers: [registry] })
}
