/** Where a server listens. */
export interface Address {
  /** Empty for all interfaces, IPv4 and IPv6. */
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

/**
 * Reads Go's form of an address: `:8942`, `127.0.0.1:8942`, `[::1]:8942`.
 *
 * @returns undefined when the text is not an address
 */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([\da-fA-F:.%]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain = '', port] = match
  return Number(port) > 65_535 ? undefined : { host: bracketed ?? plain, port: Number(port) }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
