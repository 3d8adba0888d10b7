import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['packages/**/*.test.ts', 'test/*.test.ts'],
    environment: 'node',
  },
})
