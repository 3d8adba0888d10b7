/** A write that was not even tried: this replica may not lead any more. Whoever follows it decides anew. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError'

  constructor() {
    super('not asked for: the leader lease may have run out')
  }
}
