import { access, readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ANONYMOUS, type Authentication, rereading } from './authentication.ts'
import type { Clock } from './clock.ts'
import { type RawKubeconfig, plainKubeconfig, readKubeconfig } from './kubeconfig.ts'
import { readToken } from './token-file.ts'

/** Where the API server is, how to trust it, and how to be trusted by it. */
export interface Credentials extends Authentication {
  /** Such as `https://10.96.0.1:443`. */
  readonly server: string
  readonly tls: TlsOptions
  readonly proxy?: string
}

export interface TlsOptions {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  /** false: `insecure-skip-tls-verify` of a kubeconfig. */
  readonly rejectUnauthorized?: boolean
}

export function isVerified({ rejectUnauthorized = true }: TlsOptions): boolean {
  return rejectUnauthorized
}

export interface CredentialsOptions {
  /** A file, or several that say one thing together; empty means the ServiceAccount of the pod we run in. */
  readonly kubeconfig: string | readonly string[]
  /** The current one unless told. */
  readonly context?: string | undefined
  readonly clock: Clock
  /** Where Kubernetes puts the ServiceAccount. */
  readonly serviceAccount?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** @throws Error that says which file is missing or what is wrong in it */
export function openCredentials(options: CredentialsOptions): Promise<Credentials> {
  return options.kubeconfig.length === 0 ? serviceAccountCredentials(options) : kubeconfigCredentials(options)
}

/**
 * The files that kubectl would read: those of `$KUBECONFIG` that exist, otherwise `~/.kube/config`.
 *
 * @returns none where there is no such file
 */
export async function usersKubeconfigs(env: Readonly<Record<string, string | undefined>> = process.env): Promise<readonly string[]> {
  const candidates = env['KUBECONFIG'] ? env['KUBECONFIG'].split(delimiter).filter(Boolean) : [join(env['HOME'] ?? homedir(), '.kube', 'config')]
  const exists = await Promise.all(candidates.map((file) => access(file).then(() => true, () => false)))
  return candidates.filter((_, index) => exists[index])
}

async function serviceAccountCredentials({ clock, serviceAccount = SERVICE_ACCOUNT, env = process.env }: CredentialsOptions): Promise<Credentials> {
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT']
  if (!host || !port) throw new Error('not in a cluster (KUBERNETES_SERVICE_HOST is not set): give a kubeconfig file with --kubeconfig')
  const token = async () => ({ authorization: `Bearer ${await readToken(`${serviceAccount}/token`)}` })
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca: await readFile(`${serviceAccount}/ca.crt`) },
    ...rereading(token, clock),
  }
}

async function kubeconfigCredentials(options: CredentialsOptions): Promise<Credentials> {
  const files = typeof options.kubeconfig === 'string' ? [options.kubeconfig] : options.kubeconfig
  const config = await readKubeconfig({ files, context: options.context })
  const plain = await plainKubeconfig(config)
  if (plain === undefined) return libraryCredentials(config, files, options.clock)
  const { server, tls, proxy } = plain
  // Credentials are never sent in the clear.
  const authentication = server.startsWith('http:') ? ANONYMOUS : rereading(plain.headers, options.clock)
  return { server, tls, ...(proxy && { proxy }), ...authentication }
}

/**
 * The library knows all that a kubeconfig can say (exec plug-ins, OIDC); it is loaded only here, because loading it costs
 * some 90 MB of memory. A client certificate from an exec plug-in is read once.
 */
async function libraryCredentials(raw: RawKubeconfig, files: readonly string[], clock: Clock): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromString(JSON.stringify(raw))
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error(`${files.join(', ')}: the current context ${JSON.stringify(config.currentContext)} names no cluster`)
  const proxy = cluster.proxyUrl ? { proxy: cluster.proxyUrl } : {}
  // Credentials are never sent in the clear.
  if (cluster.server.startsWith('http:')) return { server: cluster.server, tls: {}, ...proxy, ...ANONYMOUS }

  const read = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    return options
  }
  const { ca, cert, key, servername, rejectUnauthorized } = await read()
  const tls = Object.fromEntries(Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined))
  return { server: cluster.server, tls, ...proxy, ...rereading(async () => headersOf(await read()), clock) }
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}
  return { ...basic, ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])) }
}
