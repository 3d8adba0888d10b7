import { once } from 'node:events'
import { connect } from 'node:tls'
import type { Client } from '@vpa/kube/client.ts'
import { readSecret, writeSecret } from '@vpa/kube/secret.ts'

const SECRET = { namespace: 'kube-system', name: 'vpa-tls-certs' }
const REGISTRATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config'

/** How the API server is told to reach our webhook, and whom to trust there. */
interface Registration {
  readonly url: string
  /** PEM in base64. */
  readonly caBundle: string
}

export async function registration(client: Client): Promise<Registration> {
  const { webhooks } = await client.request<{ webhooks: { clientConfig: Registration }[] }>({ path: REGISTRATION })
  const [webhook] = webhooks
  if (webhook === undefined) throw new Error(`no webhook in ${REGISTRATION}`)
  return webhook.clientConfig
}

/** Whether what serves there now has a certificate of that authority. */
export async function isServedFor({ url, caBundle }: Registration): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), ca: Buffer.from(caBundle, 'base64') })
  try {
    await once(socket, 'secureConnect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Empties the Secret that it is kept in: the admission controller must make another. */
export async function loseCertificate(client: Client): Promise<void> {
  const secret = await readSecret(client, SECRET)
  await writeSecret(client, { ...secret, ...SECRET, data: {} })
}
