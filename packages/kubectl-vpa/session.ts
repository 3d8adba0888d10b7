import { DEFAULT_PRICES, type Prices } from '@vpa/core/advise/price.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import { namespaceOf, readKubeconfig } from '@vpa/kube/kubeconfig.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { SnapshotOptions } from '@vpa/kube/snapshot.ts'
import { Registry } from 'prom-client'
import { Problem } from './problem.ts'
import type { Terminal } from './terminal.ts'

/** Flags of every command. */
export interface ClusterFlags {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly allNamespaces?: boolean
}

export interface PriceFlags {
  readonly cpuPrice?: number
  readonly memoryPrice?: number
}

/** An open connection, and where to look. */
export interface Session extends SnapshotOptions {
  /** For what must be in one namespace. */
  readonly home: string
  readonly terminal: Terminal
  readonly kubeconfigs: readonly string[]
  readonly context: string | undefined
}

/** Opens the cluster for one command and closes it at the end. */
export async function withCluster<T>(terminal: Terminal, flags: ClusterFlags, work: (session: Session) => Promise<T>): Promise<T> {
  const { files, home } = await whereTo(terminal, flags)
  const client = await openClient({ kubeconfig: files, context: flags.context, qps: 0, burst: 0, source: 'kubectl-vpa', clock: terminal.clock, registry: new Registry() })
  const missing = (what: string) => terminal.err(`warning: ${what}\n`)
  const session: Session = { client, clock: terminal.clock, log: logOf(terminal), namespace: flags.allNamespaces ? undefined : home, missing, home, terminal, kubeconfigs: files, context: flags.context }
  try {
    return await work(session)
  } finally {
    await client.close()
  }
}

export function pricesOf({ cpuPrice = DEFAULT_PRICES.cpuCoreHour, memoryPrice = DEFAULT_PRICES.memoryGibHour }: PriceFlags): Prices {
  return { cpuCoreHour: cpuPrice, memoryGibHour: memoryPrice }
}

async function whereTo(terminal: Terminal, { kubeconfig, context, namespace }: ClusterFlags): Promise<{ files: readonly string[]; home: string }> {
  const files = kubeconfig ? [kubeconfig] : await terminal.kubeconfigs()
  if (files.length === 0) return { files, home: namespace ?? 'default' }
  try {
    return { files, home: namespace ?? namespaceOf(await readKubeconfig({ files, context })) ?? 'default' }
  } catch (error) {
    throw new Problem(messageOf(error))
  }
}

/** What costs only itself is a warning for the one who asks; the rest of the log is for programs that run for months. */
function logOf({ err }: Terminal): Log {
  const warn = (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    const words = Object.entries(fields).map(([name, value]) => `${name}: ${value instanceof Error ? value.message : typeof value === 'string' ? value : JSON.stringify(value)}`)
    err(`warning: ${[message, ...words].join('; ')}\n`)
  }
  const log: Log = { debug: nothing, info: nothing, warn, error: warn, child: () => log }
  return log
}

function nothing(): void {}
