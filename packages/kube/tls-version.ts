import tls, { type SecureVersion } from 'node:tls'

/** The oldest version of TLS to ask in. NODE_OPTIONS may ask for a newer one; an older one, such as with `--tls-min-v1.0`, is not for tokens. */
export function oldestTls(): SecureVersion {
  return tls.DEFAULT_MIN_VERSION === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2'
}
