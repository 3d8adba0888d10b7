const MOST_MESSAGES = 25
const LONGEST = 400

interface Message {
  readonly count: number
  readonly at: number
  /** As it was told last. */
  readonly text: string
}

/** What a program has told so far: each message once, as it was told last, and how often. However long the program runs, it stays short. */
export class MessageLog {
  readonly #messages = new Map<string, Message>()

  /** @param message what lines of its kind have in common */
  add(message: string, text: string): void {
    const count = (this.#messages.get(message)?.count ?? 0) + 1
    this.#messages.delete(message)
    this.#messages.set(message, { count, at: Date.now(), text: text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text })
    const [oldest] = this.#messages.keys()
    if (this.#messages.size > MOST_MESSAGES && oldest !== undefined) this.#messages.delete(oldest)
  }

  /** A line each, what was told last at the end. */
  lines(): readonly string[] {
    return [...this.#messages.values()].map(({ count, at, text }) => `${new Date(at).toISOString().slice(11, 23)} ${count}x ${text}`)
  }
}
