import { readToken } from './token-file.ts'

export interface PrometheusLogin {
  readonly bearerToken: string
  /** A file whose contents replace the token. */
  readonly bearerTokenFile: string
  readonly username: string
  readonly password: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The `authorization` header for Prometheus. A token goes first, then the flags' user name with its password, then those of the
 * environment, PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD; one without the other counts for nothing.
 *
 * @returns undefined where there is none
 * @throws Error when the token file cannot be read, or holds nothing
 */
export async function prometheusAuthorization({ bearerToken, bearerTokenFile, username, password, env }: PrometheusLogin): Promise<string | undefined> {
  const token = bearerTokenFile === '' ? bearerToken : await tokenIn(bearerTokenFile)
  if (token !== '') return `Bearer ${token}`
  const logins = [[username, password], [env['PROMETHEUS_USERNAME'], env['PROMETHEUS_PASSWORD']]]
  const login = logins.find(([name, secret]) => name && secret)
  return login && `Basic ${Buffer.from(login.join(':')).toString('base64')}`
}

async function tokenIn(file: string): Promise<string> {
  try {
    return await readToken(file)
  } catch (cause) {
    throw new Error(`cannot read the bearer token file ${file} of --prometheus-bearer-token-file`, { cause })
  }
}
