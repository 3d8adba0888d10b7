import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { YAMLParseError, parse } from 'yaml'
import * as z from 'zod'
import type { TlsOptions } from './credentials.ts'
import { readToken } from './token-file.ts'

const text = z.string().nullish().transform((value) => value || undefined)
const listOf = <T extends z.ZodType>(type: T) => z.array(type).nullish().transform((list) => list ?? [])

const Cluster = z.object({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
})
/** Strict: a user that says more than this needs the client library (exec and auth-provider plug-ins, impersonation). */
const User = z.strictObject({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
})
const Kubeconfig = z.object({
  'current-context': z.string(),
  clusters: listOf(z.object({ name: z.string(), cluster: Cluster })),
  contexts: listOf(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string().nullish() }) })),
  users: listOf(z.object({ name: z.string(), user: z.unknown() })),
})

/** As loose as a file may be: whatever has a name. What else it says is read later. */
const named = listOf(z.looseObject({ name: z.string() }))
const RawKubeconfig = z.looseObject({ 'current-context': text, clusters: named, contexts: named, users: named })
export type RawKubeconfig = z.output<typeof RawKubeconfig>

/** Which files, and which of their contexts; the current one unless told. */
export interface KubeconfigChoice {
  readonly files: readonly string[]
  readonly context?: string | undefined
}

/** Where a kubeconfig names other files: they are beside it. */
const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']

/**
 * What several kubeconfig files say together: of entries of one name the first counts, as in `kubectl config view --flatten`.
 *
 * @throws Error that names the file that cannot be read, or the contexts there are
 */
export async function readKubeconfig({ files, context }: KubeconfigChoice): Promise<RawKubeconfig> {
  const all = await Promise.all(files.map(readOne))
  const merge = (part: 'clusters' | 'contexts' | 'users') => [...new Map(all.flatMap((config) => config[part].map((entry) => [entry.name, entry] as const)).toReversed()).values()].toReversed()
  const contexts = merge('contexts')
  if (context !== undefined && !contexts.some(({ name }) => name === context)) {
    throw new Error(`no context ${JSON.stringify(context)} in ${files.join(', ')}: expected one of ${contexts.map(({ name }) => name).join(', ') || '(there is none)'}`)
  }
  const current = context ?? all.map((config) => config['current-context']).find(Boolean)
  return { ...all[0], clusters: merge('clusters'), users: merge('users'), contexts, 'current-context': current }
}

async function readOne(file: string): Promise<RawKubeconfig> {
  const parsed = RawKubeconfig.safeParse(await readYaml(file))
  if (!parsed.success) throw new Error(`${file}: not a kubeconfig: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ')}`)
  const absolute = (entry: { name: string }, part: 'cluster' | 'user') => {
    const fields = (entry as { name: string } & Record<string, unknown>)[part]
    if (typeof fields !== 'object' || fields === null) return entry
    return { ...entry, [part]: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, PATHS.includes(key) && typeof value === 'string' && value !== '' ? resolve(dirname(file), value) : value])) }
  }
  return { ...parsed.data, clusters: parsed.data.clusters.map((entry) => absolute(entry, 'cluster')), users: parsed.data.users.map((entry) => absolute(entry, 'user')) }
}

/** The parser's own messages and warnings show the lines that they are about, and those may hold a token or a password. */
async function readYaml(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  let place = ''
  try {
    return parse(text, { logLevel: 'error' })
  } catch (error) {
    const at = error instanceof YAMLParseError ? error.linePos?.[0] : undefined
    if (at !== undefined) place = ` at line ${at.line}, column ${at.col}`
  }
  throw new Error(`${file}: not a kubeconfig: expected YAML, and cannot read it${place}`)
}

/** The namespace that the context names, for commands that are told none. */
export function namespaceOf(config: RawKubeconfig): string | undefined {
  const { context } = (config.contexts.find(({ name }) => name === config['current-context']) ?? {}) as { context?: { namespace?: string } | null }
  return context?.namespace || undefined
}

/** What the current context of a kubeconfig says, as far as it can be said without plug-ins. */
export interface PlainKubeconfig {
  readonly server: string
  readonly proxy: string | undefined
  readonly tls: TlsOptions
  /** Headers that authenticate a request; a token file is read each time. */
  headers(): Promise<Record<string, string>>
}

/**
 * Understands a kubeconfig without the client library, which takes 90 MB and most of a second to load.
 *
 * @returns undefined when the user needs a plug-in, or the file says something that only the library understands
 * @throws Error when a file that it names cannot be read
 */
export async function plainKubeconfig(raw: RawKubeconfig): Promise<PlainKubeconfig | undefined> {
  const config = Kubeconfig.safeParse(raw).data
  const context = config?.contexts.find(({ name }) => name === config['current-context'])?.context
  const cluster = config?.clusters.find(({ name }) => name === context?.cluster)?.cluster
  const user = User.safeParse(config?.users.find(({ name }) => name === context?.user)?.user ?? {}).data
  if (cluster === undefined || user === undefined) return undefined

  const tls = {
    ca: await pem(cluster['certificate-authority'], cluster['certificate-authority-data']),
    cert: await pem(user['client-certificate'], user['client-certificate-data']),
    key: await pem(user['client-key'], user['client-key-data']),
    servername: cluster['tls-server-name'],
    rejectUnauthorized: cluster['insecure-skip-tls-verify'] ? false : undefined,
  }
  return {
    server: cluster.server,
    proxy: cluster['proxy-url'],
    tls: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)),
    async headers() {
      const token = user.tokenFile ? await readToken(user.tokenFile) : user.token
      if (token !== undefined) return { authorization: `Bearer ${token}` }
      if (user.username === undefined) return {}
      return { authorization: `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}` }
    },
  }
}

async function pem(name: string | undefined, data: string | undefined): Promise<Buffer | undefined> {
  if (data !== undefined) return Buffer.from(data, 'base64')
  return name === undefined ? undefined : readFile(name)
}
