import { compareQuantities, formatQuantity, parseQuantity, wholeValue } from '@vpa/core/quantity.ts'
import { ApiError } from '@vpa/kube/api-error.ts'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { constantFrom, oneof, sample, string, tuple } from 'fast-check'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubeconfig } from './control-plane.ts'

/** How many texts go into one request. */
const BATCH = 200
/** From here on, Go keeps some amounts, caps others and makes `9000E` a 9; no node has as much. */
const LARGEST = 2n ** 63n - 1n

let client: Client

beforeAll(async () => {
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
})

afterAll(async () => {
  await client.close()
})

const digits = (max: number) => string({ unit: constantFrom(...'0123456789'), maxLength: max })
const SUFFIXES = ['', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'e0', 'e3', 'E3', 'e-3', 'e6', 'E+9', 'e-9', 'e12', 'e18']
/** Amounts of every size and precision, and what is nearly one. */
const text = oneof(
  { weight: 3, arbitrary: tuple(constantFrom('', '+'), digits(20), constantFrom('', '.'), digits(11), constantFrom(...SUFFIXES)).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: tuple(digits(4), constantFrom('.', '..', ' ', '-', '_', ','), digits(3), constantFrom(...SUFFIXES, 'K', 'mi', 'B', 'GB', 'e', 'e+', 'ee3', 'e3m')).map((parts) => parts.join('')) },
)

/** What the API server makes of the texts, as it stores them: volumes of a pod that is never created have them as sizes. */
async function asStored(texts: readonly string[]): Promise<readonly string[]> {
  const volumes = texts.map((sizeLimit, index) => ({ name: `v${index}`, emptyDir: { sizeLimit } }))
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'quantities' }, spec: { serviceAccountName: 'default', automountServiceAccountToken: false, volumes, containers: [{ name: 'app', image: 'none' }] } }
  const pod = await client.request<{ spec: { volumes: { emptyDir: { sizeLimit: string } }[] } }>({ method: 'POST', path: '/api/v1/namespaces/default/pods', query: { dryRun: 'All' }, body })
  return pod.spec.volumes.map(({ emptyDir }) => emptyDir.sizeLimit)
}

/** Negative sizes are refused for another reason. */
const texts = [...new Set(['62.5Ki', ...sample(text, 3 * BATCH)])].filter((one) => !one.startsWith('-'))

test('the API server takes what is a quantity to us, and keeps it as written or as we print it', async () => {
  const ours = texts.filter((one) => fits(one))
  expect(ours.length).toBeGreaterThan(BATCH)
  const wrong: string[] = []
  for (let from = 0; from < ours.length; from += BATCH) {
    const batch = ours.slice(from, from + BATCH)
    const stored = await asStored(batch)
    for (const [index, one] of batch.entries()) {
      const kept = stored[index] ?? ''
      // Printed twice, because the API server stores what it has printed: `62.5Ki` is printed as `64000`, and that as `64k`.
      const asPrinted = printed(one) ?? ''
      if (![one, asPrinted, printed(asPrinted)].includes(kept) || !sameAmount(kept, one)) wrong.push(`${one} is stored as ${kept}, we print ${asPrinted}`)
    }
  }
  expect(wrong).toEqual([])
})

test('what is no quantity to us the API server refuses, or stores as one: 0 where it has no digit, or what is between spaces', async () => {
  const none = texts.filter((one) => parseQuantity(one) === undefined).slice(0, 150)
  const stored = new Map<string, string | undefined>()
  for (const one of none) stored.set(one, await asStored([one]).then(([kept]) => kept, refused))
  const taken = [...stored].filter(([, kept]) => kept !== undefined)
  expect(stored.size - taken.length).toBeGreaterThan(20)
  expect(taken.filter(([one, kept]) => kept !== undefined && kept !== '0' && !sameAmount(kept, one.trim()))).toEqual([])
})

function fits(text: string): boolean {
  const quantity = parseQuantity(text)
  return quantity !== undefined && wholeValue(quantity) < LARGEST
}

function printed(text: string): string | undefined {
  const quantity = parseQuantity(text)
  return quantity && formatQuantity(quantity)
}

function sameAmount(one: string, other: string): boolean {
  const [a, b] = [parseQuantity(one), parseQuantity(other)]
  return a !== undefined && b !== undefined && compareQuantities(a, b) === 0
}

function refused(error: unknown): undefined {
  if (!(error instanceof ApiError && error.status === 400)) throw error
}
