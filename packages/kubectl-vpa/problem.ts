/** 1 is kept for what a command was asked to find: `report --fail-on`, `diff --exit-code`. */
export const EXIT = { done: 0, found: 1, usage: 2, failed: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A command cannot do what it was asked, for a reason that its user can do something about. One line, without a stack. */
export class Problem extends Error {
  readonly code: ExitCode

  constructor(message: string, code: ExitCode = EXIT.failed) {
    super(message)
    this.code = code
  }
}
