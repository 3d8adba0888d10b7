/**
 * Cuts the bytes of an answer into the JSON texts of its objects while they arrive, so that a list of any length needs the
 * memory of one object. Characters that UTF-8 spreads over two chunks are safe: only whole objects are decoded.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const NEWLINE = 0x0a

/** The lines of a watch: one event each. */
export class LineSplitter {
  #rest: Buffer[] = []

  /** @returns the lines that this chunk completes, without blank ones */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = joined(this.#rest, chunk.subarray(start, end)).trim()
      if (line !== '') lines.push(line)
      this.#rest = []
      start = end + 1
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start))
    return lines
  }
}

/** Which array of an answer is cut up: its key, and how many objects it is inside of. */
export interface ArrayPlace {
  readonly key: string
  readonly depth: number
}

/** The elements, objects or arrays, of one array of an answer; all else of it is the envelope. */
export class ItemSplitter {
  readonly #place: ArrayPlace
  readonly #envelope: Buffer[] = []
  #item: Buffer[] = []
  /** Open braces and brackets; for `items` of a list object: 1 inside the list, 2 inside `items`, 3 and more inside an item. */
  #depth = 0
  #insideItems = false
  #insideString = false
  #escaped = false
  /** Bytes of the latest string where the array's key may be: the key when a bracket follows. */
  #key: number[] = []

  constructor(place: ArrayPlace = { key: 'items', depth: 1 }) {
    this.#place = place
  }

  /** @returns the items that this chunk completes */
  push(chunk: Buffer): string[] {
    const items: string[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (this.#insideString) this.#readString(byte)
      else if (byte === QUOTE) this.#openString()
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#betweenItems) start = this.#keep(chunk, start, at)
        this.#open(byte)
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth -= 1
        if (this.#betweenItems) {
          items.push(joined(this.#item, chunk.subarray(start, at + 1)))
          this.#item = []
          start = at + 1
        } else if (this.#depth === this.#place.depth) this.#insideItems = false
      } else if (byte === COMMA && this.#betweenItems) start = this.#keep(chunk, start, at) + 1
    }
    const rest = chunk.subarray(start)
    if (this.#insideItems && this.#depth > this.#place.depth + 1) this.#item.push(rest)
    else this.#keep(chunk, start, chunk.length)
    return items
  }

  /**
   * @returns the JSON text of the answer, with the array empty
   * @throws Error when the answer ended before its object did
   */
  end(): string {
    if (this.#depth !== 0 || this.#envelope.length === 0) throw new Error('the answer ended before it was complete')
    return joined(this.#envelope)
  }

  get #betweenItems(): boolean {
    return this.#insideItems && this.#depth === this.#place.depth + 1
  }

  /** Copies: a part of a chunk, be it empty, would hold the whole chunk in memory, and there is one part per item. */
  #keep(chunk: Buffer, start: number, end: number): number {
    if (start < end) this.#envelope.push(Buffer.from(chunk.subarray(start, end)))
    return end
  }

  #open(byte: number): void {
    if (byte === OPEN_BRACKET && this.#depth === this.#place.depth && String.fromCharCode(...this.#key) === this.#place.key) this.#insideItems = true
    this.#depth += 1
  }

  #openString(): void {
    this.#insideString = true
    if (this.#depth === this.#place.depth) this.#key = []
  }

  #readString(byte: number | undefined): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) {
      this.#insideString = false
      return
    }
    if (this.#depth === this.#place.depth && byte !== undefined) this.#key.push(byte)
  }
}

function joined(parts: readonly Buffer[], last?: Buffer): string {
  if (last !== undefined && parts.length === 0) return last.toString()
  return Buffer.concat(last === undefined ? parts : [...parts, last]).toString()
}
