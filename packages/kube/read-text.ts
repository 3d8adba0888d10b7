/** Parts of an answer, such as undici's body. */
type Body = AsyncIterable<Buffer>

export interface ReadText {
  readonly text: string
  /** The answer has more than that. */
  readonly isCut: boolean
}

/** Of an answer that says what went wrong; a Status has a few hundred bytes. */
export const LONGEST_REFUSAL = 64 * 1024

/** Reads an answer, but no more than that many bytes: the rest is not waited for, and the connection is closed. */
export async function readText(body: Body, limit: number): Promise<ReadText> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body) {
    parts.push(part)
    size += part.length
    if (size > limit) return { text: Buffer.concat(parts, limit).toString(), isCut: true }
  }
  return { text: Buffer.concat(parts).toString(), isCut: false }
}
