import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cliScene } from '../../test/support/cli-scene.ts'

test('--version says which version of the plugin this is', async () => {
  const { vpa } = await cliScene()
  const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }
  expect(await vpa('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
})
