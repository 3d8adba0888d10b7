import { isDeepStrictEqual } from 'node:util'
import type { Log } from '@vpa/kube/log.ts'
import type { CertificateSource } from './certificate-source.ts'
import type { Certificates } from './certificates.ts'

interface Replacement {
  readonly source: Pick<CertificateSource, 'read'>
  /** Makes the API server trust an authority; `unchanged`: it has done so for a while. */
  trust(caCert: string): Promise<'created' | 'patched' | 'unchanged'>
  /** Serves new connections with these. */
  serve(certificates: Certificates): void
  readonly log: Log
}

/** What is served with, replaced without a request that fails: whoever asks trusts the old certificate and the new one meanwhile. */
export class ServedCertificates {
  #served: Certificates
  readonly #replacement: Replacement

  constructor(served: Certificates, replacement: Replacement) {
    this.#served = served
    this.#replacement = replacement
  }

  get current(): Certificates {
    return this.#served
  }

  /**
   * Looks for others. Trust comes first; what is to be trusted at the next look, when every API server has heard of it.
   * Files that are half replaced, so that they do not fit together, are left to the next look as well.
   */
  async reload(): Promise<void> {
    const { source, trust, serve, log } = this.#replacement
    try {
      const found = await source.read()
      if (isDeepStrictEqual(found, this.#served)) return
      if ((await trust(found.caCert)) !== 'unchanged') return
      log.info('New certificate found, reloading')
      serve(found)
      this.#served = found
    } catch (error) {
      log.error('Failed to reload certificate', { error })
    }
  }
}
