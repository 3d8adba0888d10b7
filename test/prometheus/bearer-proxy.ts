import { once } from 'node:events'
import { createServer } from 'node:https'
import { request } from 'node:http'
import { selfSigned } from '../contract/certificate.ts'
import { PASSWORD, type PrometheusServer, USERNAME } from './server.ts'

/** Prometheus knows no bearer tokens and this one no TLS: what stands before it in clusters does, with a certificate that nobody trusts. */
export async function startBearerProxy(prometheus: PrometheusServer, token: string): Promise<PrometheusServer> {
  const { certificate, key } = selfSigned(['localhost'], '127.0.0.1')
  const proxy = createServer({ cert: certificate, key }, (incoming, outgoing) => {
    if (incoming.headers.authorization !== `Bearer ${token}`) return void outgoing.writeHead(401).end('who are you?')
    const { authorization: _, host: __, ...headers } = incoming.headers
    const onward = request(`${prometheus.url}${incoming.url}`, { method: incoming.method, headers, auth: `${USERNAME}:${PASSWORD}` }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const stop = async () => {
    proxy.closeAllConnections()
    proxy.close()
    await once(proxy, 'close')
  }
  return { url: `https://127.0.0.1:${port}`, stop }
}
