/** For `vi.waitFor`: what is awaited comes in milliseconds, but on a machine with other work perhaps in seconds. */
export const PATIENCE = { timeout: 20_000 }
