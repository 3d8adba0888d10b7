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
/** The most that is held of one line, item or envelope. An object in etcd has at most 1.5 MiB; a series of Prometheus with a value for each second of 8 days has 20. */
export const LARGEST_PART = 32 * 1024 * 1024

const MOST_LOOSE = 256

/** The lines of a watch: one event each. */
export class LineSplitter {
  readonly #rest = new Part('a line of a watch')

  /**
   * @returns the lines that this chunk completes, without blank ones
   * @throws RangeError for a line larger than {@link LARGEST_PART}
   */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#rest.take(chunk.subarray(start, end)).trim()
      if (line !== '') lines.push(line)
      start = end + 1
    }
    if (start < chunk.length) this.#rest.add(chunk.subarray(start))
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
  readonly #envelope = new Part('what an answer has beside its items')
  readonly #item = new Part('an item of an answer')
  /** Open braces and brackets; for `items` of a list object: 1 inside the list, 2 inside `items`, 3 and more inside an item. */
  #depth = 0
  #insideItems = false
  #insideString = false
  #escaped = false
  /** Bytes of the latest string where the array's key may be, up to one more than that has: the key when a bracket follows. */
  #key: number[] = []

  constructor(place: ArrayPlace = { key: 'items', depth: 1 }) {
    this.#place = place
  }

  /**
   * @returns the items that this chunk completes
   * @throws RangeError for an item, or all that is not in items, larger than {@link LARGEST_PART}
   */
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
          items.push(this.#item.take(chunk.subarray(start, at + 1)))
          start = at + 1
        } else if (this.#depth === this.#place.depth) this.#insideItems = false
      } else if (byte === COMMA && this.#betweenItems) start = this.#keep(chunk, start, at) + 1
    }
    const rest = chunk.subarray(start)
    if (this.#insideItems && this.#depth > this.#place.depth + 1) this.#item.add(rest)
    else this.#keep(chunk, start, chunk.length)
    return items
  }

  /**
   * @returns the JSON text of the answer, with the array empty
   * @throws Error when the answer ended before its object did
   */
  end(): string {
    if (this.#depth !== 0 || this.#envelope.size === 0) throw new Error('the answer ended before it was complete')
    return this.#envelope.take()
  }

  get #betweenItems(): boolean {
    return this.#insideItems && this.#depth === this.#place.depth + 1
  }

  /** Copies: a part of a chunk, be it empty, would hold the whole chunk in memory, and there is one part per item. */
  #keep(chunk: Buffer, start: number, end: number): number {
    if (start < end) this.#envelope.add(Buffer.from(chunk.subarray(start, end)))
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
    if (this.#depth === this.#place.depth && byte !== undefined && this.#key.length <= this.#place.key.length) this.#key.push(byte)
  }
}

/** What has come of a text that is not complete. */
class Part {
  readonly #what: string
  #pieces: Buffer[] = []
  /** The latest pieces. However small each is, it takes a hundred bytes more, so that many become one. */
  #loose: Buffer[] = []
  #size = 0

  constructor(what: string) {
    this.#what = what
  }

  get size(): number {
    return this.#size
  }

  add(piece: Buffer): void {
    this.#size += piece.length
    if (this.#size > LARGEST_PART) throw new RangeError(`${this.#what} is larger than ${LARGEST_PART} bytes`)
    this.#loose.push(piece)
    if (this.#loose.length < MOST_LOOSE) return
    this.#pieces.push(Buffer.concat(this.#loose))
    this.#loose = []
  }

  /** The text with its last piece; what comes next is another one. */
  take(last?: Buffer): string {
    if (last !== undefined && this.#size === 0) return last.toString()
    const text = Buffer.concat([...this.#pieces, ...this.#loose, ...(last === undefined ? [] : [last])]).toString()
    this.#pieces = []
    this.#loose = []
    this.#size = 0
    return text
  }
}
