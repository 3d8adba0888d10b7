// helm test: asks the webhook as the API server does, by its service and over TLS, whether a pod may be created.
// WEBHOOK_URL, and NODE_EXTRA_CA_CERTS for the authority that has signed its certificate.
const url = process.env.WEBHOOK_URL
const request = {
  uid: 'helm-test',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  requestKind: { group: '', version: 'v1', kind: 'Pod' },
  operation: 'CREATE',
  namespace: 'default',
  name: 'helm-test',
  object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'helm-test', namespace: 'default' }, spec: { containers: [{ name: 'any', image: 'any' }] } },
}
const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request })

try {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(10_000) })
  const { response } = await answer.json()
  if (response?.uid !== request.uid || response.allowed !== true) throw new Error(`expected an answer that allows the pod, got ${JSON.stringify(response)}`)
  console.log(`${url} answers as it should`)
} catch (error) {
  console.error(`${url} does not answer as it should: ${error.cause?.message ?? error.message}`)
  process.exit(1)
}
