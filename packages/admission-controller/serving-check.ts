import { request } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { SECOND } from '@vpa/core/time.ts'
import { oldestTls } from '@vpa/kube/tls-version.ts'
import type { WebhookTrust } from '@vpa/kube/webhook-registration.ts'
import { SERVING_PATH } from './server.ts'

const TIMEOUT = 5 * SECOND

/**
 * Asks our own endpoint and trusts what the API server trusts: an answer means that its requests can get here.
 * A lease that is renewed by a controller whose webhook is broken makes the updater evict pods that come back as they
 * were, again and again (kubernetes/autoscaler#6884, #7795).
 *
 * @param port where we listen
 * @returns undefined when we were answered; otherwise why the API server would not be
 */
export function whyNotServing(port: number, { host, caBundle }: WebhookTrust): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path: SERVING_PATH,
        agent: false,
        timeout: TIMEOUT,
        ca: caBundle,
        minVersion: oldestTls(),
        rejectUnauthorized: true,
        ...(isIP(host) === 0 && { servername: host }),
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode === 200 ? undefined : `our endpoint answers ${answer.statusCode}`)
      },
    )
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT / SECOND} s`)))
    asked.on('error', (error) => resolve(`our endpoint cannot be asked as ${host}: ${error.message}`))
    asked.end()
  })
}
