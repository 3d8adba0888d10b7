/** The letters of generated names: no vowels, nothing that reads like another. Source: k8s.io/apimachinery/pkg/util/rand. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** Where generated names come from: the same seed gives the same names. */
export class NameSource {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Five letters, as generateName appends them. */
  suffix(): string {
    return Array.from({ length: 5 }, () => ALPHABET[this.#next() % ALPHABET.length]).join('')
  }

  uid(): string {
    const hex = Array.from({ length: 4 }, () => this.#next().toString(16).padStart(8, '0')).join('')
    return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-')
  }

  /** mulberry32: 32 bits a step. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
}

/** The pod-template-hash of a template, such as `84964cbc8d`: FNV-1a over its JSON, in the letters of names. */
export function templateHash(template: object): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(JSON.stringify(template))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return [...`${hash}`].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('')
}
