import { parseQuantity } from '@vpa/core/quantity.ts'
import { type DurationMs, formatDuration, parseDuration } from '@vpa/core/time.ts'
import * as z from 'zod'
import { type Address, parseAddress } from './address.ts'
import type { ConnectOptions } from './connect.ts'

/** How a flag is written on the command line, beside what zod knows of it. */
export interface FlagForm {
  readonly kind: 'address' | 'boolean' | 'duration' | 'gates' | 'integer' | 'list' | 'number' | 'quantity' | 'text'
  /** What an absent flag means, as one would write it; empty for none. */
  readonly fallback: string
}

const forms = z.registry<FlagForm>()

/** @throws TypeError for a schema that is not one of {@link flag} */
export function flagForm(schema: z.core.$ZodType): FlagForm {
  const form = forms.get(schema)
  if (form === undefined) throw new TypeError('a program option is not made by flag.…')
  return form
}

/** Inclusive; of a duration in milliseconds. */
interface Range {
  readonly min?: number
  readonly max?: number
}

/**
 * Zod types of command-line flags: text in, value out. Numbers and booleans are read as Go's pflag does.
 * `z.strictObject({ minReplicas: flag.integer(2, { min: 0 }).describe('…') })` is the flag `--min-replicas`.
 */
export const flag = {
  boolean: (fallback: boolean) => withDefault('boolean', `${fallback}`, parseBoolean, 'not a boolean, such as true or false'),

  text: (fallback: string) => z.string().prefault(fallback).register(forms, { kind: 'text', fallback }),

  choice: <const T extends string>(fallback: NoInfer<T>, choices: readonly T[]) =>
    withDefault('text', fallback, (text) => choices.find((choice) => choice === text), `not one of ${choices.join(', ')}`),

  number: (fallback: number, range: Range = {}) =>
    inRange(withDefault('number', `${fallback}`, parseNumber, 'not a number, such as 0.9'), range, String),

  integer: (fallback: number, range: Range = {}) =>
    inRange(withDefault('integer', `${fallback}`, parseInteger, 'not a whole number, such as 10'), range, String),

  /** In milliseconds; `fallback` as one writes it: `1m`. */
  duration: (fallback: string, range: Range = {}) =>
    inRange(withDefault<DurationMs>('duration', fallback, parseDuration, 'not a duration, such as 90s or 1h30m'), range, formatDuration),

  /** Undefined where the flag is absent. */
  quantity: () =>
    read(parseQuantity, 'not a quantity, such as 250m or 1.5Gi').optional().register(forms, { kind: 'quantity', fallback: '' }),

  address: (fallback: string) => withDefault<Address>('address', fallback, parseAddress, 'not an address, such as :8942 or 127.0.0.1:8942'),

  /** Separated by commas, nothing trimmed; empty text is an empty list. */
  list: () => withDefault('list', '', (text): readonly string[] => (text === '' ? [] : text.split(',')), ''),
}

/** All alpha. A gate that went GA is removed, and naming it is an error. */
const FEATURE_GATES = ['CPUStartupBoost', 'InPlace', 'PerVPAConfig'] as const
export type FeatureGates = Readonly<Record<(typeof FEATURE_GATES)[number], boolean>>

/** The flags of all three programs. */
export function commonFlags({ address }: { readonly address: string }) {
  return {
    kubeconfig: flag.text('').describe('Path of a kubeconfig file. Empty: the service account of the pod this runs in.'),
    kubeApiQps: flag.number(500, { min: 0 }).describe('Requests to the API server per second, in the long run.'),
    kubeApiBurst: flag.integer(1000, { min: 1 }).describe('Requests to the API server at once.'),
    vpaObjectNamespace: flag.text('').describe('The only namespace to look at. Empty: all. Excludes --ignored-vpa-object-namespaces.'),
    ignoredVpaObjectNamespaces: flag.list().describe('Namespaces to leave alone, separated by commas. Excludes --vpa-object-namespace.'),
    address: flag.address(address).describe('Where /metrics and /health-check are served, as host:port. Without host: on all interfaces; port 0: any free one.'),
    profiling: flag.boolean(false).describe('Serve a CPU profile at /debug/pprof/profile and a heap snapshot at /debug/pprof/heap, as Chrome DevTools opens them.'),
    featureGates: featureGates().describe(`Gate=true|false, separated by commas. Gates: ${FEATURE_GATES.join(', ')}; AllAlpha, AllBeta.`),
    v: flag.integer(4).describe('How much is logged. 0: warnings and errors; 1 to 4: information too; 5 and more: everything.'),
    logFormat: flag.choice('auto', ['auto', 'json', 'text']).describe('json: one object per line; text: for people; auto: text on a terminal, json elsewhere.'),
    ...klogFlags(),
  }
}

export type CommonConfig = z.output<z.ZodObject<ReturnType<typeof commonFlags>>>

/** What {@link commonFlags} say of the way to the API server, and of where to look there. */
export function connectionOf(config: Readonly<CommonConfig>): Pick<ConnectOptions, 'kubeconfig' | 'qps' | 'burst' | 'namespace' | 'ignoredNamespaces'> {
  return {
    kubeconfig: config.kubeconfig,
    qps: config.kubeApiQps,
    burst: config.kubeApiBurst,
    namespace: config.vpaObjectNamespace || undefined,
    ignoredNamespaces: config.ignoredVpaObjectNamespaces,
  }
}

/** Leader election, of the two programs that write on their own account. */
export function leaderElectionFlags({ resourceName }: { readonly resourceName: string }) {
  return {
    leaderElect: flag.boolean(false).describe('Work only while holding a lease, so that several replicas can stand by.'),
    leaderElectLeaseDuration: flag.duration('15s', { min: 1000 }).describe('How long a lease that is not renewed keeps others waiting.'),
    leaderElectRenewDeadline: flag.duration('10s', { min: 1 }).describe('How long the leader tries to renew before it gives up.'),
    leaderElectRetryPeriod: flag.duration('2s', { min: 1 }).describe('The time between two tries to acquire or renew the lease.'),
    leaderElectResourceLock: flag.choice('leases', ['leases']).describe('Kind of the lock object.'),
    leaderElectResourceName: flag.text(resourceName).describe('Name of the Lease.'),
    leaderElectResourceNamespace: flag.text('kube-system').describe('Namespace of the Lease.'),
  }
}

/**
 * What is wrong with flags that are each right alone.
 *
 * @param config values by key of the schema
 * @returns undefined when nothing is
 */
export function conflictIn(config: Readonly<Record<string, unknown>>): string | undefined {
  const { vpaObjectNamespace, ignoredVpaObjectNamespaces: ignored } = config
  if (vpaObjectNamespace !== '' && Array.isArray(ignored) && ignored.length > 0) {
    return '--vpa-object-namespace and --ignored-vpa-object-namespaces exclude each other: give one of them'
  }
  const { leaderElectLeaseDuration: lease, leaderElectRenewDeadline: deadline, leaderElectRetryPeriod: retry } = config
  if (typeof lease !== 'number' || typeof deadline !== 'number' || typeof retry !== 'number') return undefined
  if (lease <= deadline) return '--leader-elect-lease-duration must be longer than --leader-elect-renew-deadline'
  // client-go's JitterFactor: a retry may come that much later than asked for.
  return deadline <= 1.2 * retry ? '--leader-elect-renew-deadline must be longer than 1.2 times --leader-elect-retry-period' : undefined
}

/** klog's flags for files and headers: our log goes to the error stream, as klog's does by default. */
function klogFlags() {
  return {
    addDirHeader: ignored(flag.boolean(false)),
    alsologtostderr: ignored(flag.boolean(false)),
    alsologtostderrthreshold: ignored(flag.text('')),
    legacyStderrThresholdBehavior: ignored(flag.boolean(true)),
    logBacktraceAt: ignored(flag.text(':0')),
    logDir: ignored(flag.text('')),
    logFile: ignored(flag.text('')),
    logFileMaxSize: ignored(flag.text('1800')),
    logtostderr: ignored(flag.boolean(true)),
    oneOutput: ignored(flag.boolean(false)),
    skipHeaders: ignored(flag.boolean(false)),
    skipLogHeaders: ignored(flag.boolean(false)),
    stderrthreshold: ignored(flag.text('info')),
    vmodule: ignored(flag.text('')),
  }
}

function ignored<T extends z.ZodType>(schema: T): T {
  return schema.describe('Accepted and ignored (klog).')
}

/** A gate that is named wins over AllAlpha and AllBeta, whatever their order; there is no beta gate. */
function featureGates() {
  return z
    .string()
    .transform((text, context): FeatureGates => {
      const named = new Map<string, boolean>()
      for (const pair of text.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
        const [name = '', value = ''] = pair.split('=', 2)
        const on = parseBoolean(value)
        if (![...FEATURE_GATES, 'AllAlpha', 'AllBeta'].includes(name)) fail(context, `not a feature gate (${FEATURE_GATES.join(', ')}, AllAlpha, AllBeta)`, name)
        else if (on === undefined) fail(context, 'not a feature gate with its value, such as InPlace=true', pair)
        else named.set(name, on)
      }
      const on = (gate: string): boolean => named.get(gate) ?? named.get('AllAlpha') ?? false
      return { CPUStartupBoost: on('CPUStartupBoost'), InPlace: on('InPlace'), PerVPAConfig: on('PerVPAConfig') }
    })
    .prefault('')
    .register(forms, { kind: 'gates', fallback: '' })
}

/** The parser says undefined for what it cannot read. */
type Parse<T> = (text: string) => T | undefined

function withDefault<T>(kind: FlagForm['kind'], fallback: string, parse: Parse<T>, expected: string) {
  return read(parse, expected).prefault(fallback).register(forms, { kind, fallback })
}

function read<T>(parse: Parse<T>, expected: string) {
  return z.string().transform((text, context): T => parse(text) ?? fail(context, expected, text))
}

function inRange<T extends z.ZodType<number>>(schema: T, { min = -Infinity, max = Infinity }: Range, print: (value: number) => string): T {
  const bounds = [...(min > -Infinity ? [`less than ${print(min)}`] : []), ...(max < Infinity ? [`more than ${print(max)}`] : [])]
  return schema.refine((value) => value >= min && value <= max, {
    error: ({ input }) => `must not be ${bounds.join(' or ')}: ${print(Number(input))}`,
  })
}

function fail(context: z.RefinementCtx, expected: string, text: string): never {
  context.addIssue({ code: 'custom', message: `${expected}: ${JSON.stringify(text)}` })
  return z.NEVER
}

/** Go's strconv.ParseBool. */
function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined
}

function parseNumber(text: string): number | undefined {
  const value = Number(text)
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) && Number.isFinite(value) ? value : undefined
}

function parseInteger(text: string): number | undefined {
  const value = Number(text)
  return /^[-+]?\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}
