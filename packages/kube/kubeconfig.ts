import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import type { TlsOptions } from './credentials.ts'

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

/** What the current context of a kubeconfig says, as far as it can be said without plug-ins. */
export interface PlainKubeconfig {
  readonly server: string
  readonly proxy: string | undefined
  readonly tls: TlsOptions
  /** Headers that authenticate a request; a token file is read each time. */
  headers(): Promise<Record<string, string>>
}

/**
 * Reads a kubeconfig without the client library, which takes 90 MB and most of a second to load.
 *
 * @returns undefined when the user needs a plug-in, or the file says something that only the library understands
 * @throws Error when the file cannot be read
 */
export async function readPlainKubeconfig(file: string): Promise<PlainKubeconfig | undefined> {
  const config = Kubeconfig.safeParse(parse(await readFile(file, 'utf8'))).data
  const context = config?.contexts.find(({ name }) => name === config['current-context'])?.context
  const cluster = config?.clusters.find(({ name }) => name === context?.cluster)?.cluster
  const user = User.safeParse(config?.users.find(({ name }) => name === context?.user)?.user ?? {}).data
  if (cluster === undefined || user === undefined) return undefined

  const path = (name: string) => resolve(dirname(file), name)
  const pem = async (name: string | undefined, data: string | undefined) => (data !== undefined ? Buffer.from(data, 'base64') : name && (await readFile(path(name))))
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
      const token = user.tokenFile ? (await readFile(path(user.tokenFile), 'utf8')).trim() : user.token
      if (token !== undefined) return { authorization: `Bearer ${token}` }
      if (user.username === undefined) return {}
      return { authorization: `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}` }
    },
  }
}
