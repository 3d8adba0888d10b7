import { parseConfig } from '@vpa/kube/config.ts'
import { expect, test } from 'vitest'
import { clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { silentLog } from '../../test/support/recorded-log.ts'
import { certificatesFor } from './certificates.ts'
import { Config } from './config.ts'
import { register } from './registration.ts'

interface Configuration {
  webhooks: { clientConfig: { caBundle?: string }; namespaceSelector: object }[]
}

/** An API server with room for one configuration. `edited`: what becomes of each one that is written. */
async function configurationServer(edited: (configuration: Configuration) => Configuration) {
  let kept: object | undefined
  const server = await startApiServer(({ method, body }, response) => {
    if (method === 'GET') return kept ? json(response, 200, kept) : refuse(response, 404)
    if (!Array.isArray(body)) kept = { ...kept, ...edited(body as Configuration) }
    return json(response, 200, kept)
  })
  return { client: clientOf(server), server }
}

function configOf(...argv: string[]): Config {
  const parsed = parseConfig(Config, argv)
  if ('config' in parsed) return parsed.config
  throw new Error(JSON.stringify(parsed))
}

/** The API server keeps no field that is empty. */
const withoutEmptyBundle = ({ webhooks, ...rest }: Configuration) => ({ ...rest, webhooks: webhooks.map(({ clientConfig: { caBundle, ...clientConfig }, ...webhook }) => ({ ...webhook, clientConfig: { ...clientConfig, ...(caBundle && { caBundle }) } })) })
const asItIs = (configuration: Configuration) => configuration
/** As the managed clusters of one cloud do, so that no webhook is asked about what the cluster runs by. */
const withOwnSelector = ({ webhooks, ...rest }: Configuration) => ({ ...rest, webhooks: webhooks.map((webhook) => ({ ...webhook, namespaceSelector: { matchExpressions: [{ key: 'control-plane', operator: 'DoesNotExist' }] } })) })

test.for([
  ['as it was written', asItIs],
  ['otherwise, by who adds something to each', withOwnSelector],
] as const)('an authority is trusted after one look, where the webhook configuration is kept %s', async ([, edited]) => {
  const clock = fakeClock()
  const [first, second] = await Promise.all([certificatesFor(['localhost'], clock.now()), certificatesFor(['localhost'], clock.now())])
  const { client } = await configurationServer(edited)
  const look = (caCert: string) => register(caCert, client, { config: configOf(), log: silentLog, clock, namespace: 'kube-system' })
  expect([await look(first.caCert), await look(first.caCert)]).toEqual(['created', 'unchanged'])
  expect([await look(second.caCert), await look(second.caCert)]).toEqual(['patched', 'unchanged'])
})

test.for([
  ['by us', [], ['GET', 'POST', 'GET']],
  ['by others, and is not there yet', ['--register-webhook=false', '--inject-ca-bundle'], ['GET', 'GET']],
  ['by others, who know our authority', ['--register-webhook=false'], []],
] as const)('each look reads the configuration once, at most, where it is kept %s', async ([, flags, methods]) => {
  const clock = fakeClock()
  const { caCert } = await certificatesFor(['localhost'], clock.now())
  const { client, server } = await configurationServer(asItIs)
  for (let look = 1; look <= 2; look += 1) await register(caCert, client, { config: configOf(...flags), log: silentLog, clock, namespace: 'kube-system' })
  expect(server.seen.map(({ method }) => method)).toEqual(methods)
})

test('an authority whose file is empty, since every machine trusts it, is told once', async () => {
  const { client, server } = await configurationServer(withoutEmptyBundle)
  const look = (...flags: string[]) => register('', client, { config: configOf(...flags), log: silentLog, clock: fakeClock(), namespace: 'kube-system' })
  for (let count = 1; count <= 2; count += 1) await look()
  await look('--register-webhook=false', '--inject-ca-bundle')
  expect(server.seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'GET'])
})
