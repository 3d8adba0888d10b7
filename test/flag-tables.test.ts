import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { flagsDocument } from '../hack/generate-flag-tables.ts'

test('docs/flags.md is what `npx node hack/generate-flag-tables.ts` writes', () => {
  expect(readFileSync(new URL('../docs/flags.md', import.meta.url), 'utf8')).toBe(flagsDocument())
})
