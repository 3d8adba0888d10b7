import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

interface Ended {
  readonly code: unknown
  readonly lines: readonly string[]
}

/** Chaos without any of its tests, where Go cannot compile what the control plane is made of. */
async function chaosWithoutControlPlane(): Promise<Ended> {
  const directory = await mkdtemp(join(tmpdir(), 'chaos-test-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await mkdir(join(directory, 'bin'))
  await writeFile(join(directory, 'bin', 'go'), '#!/bin/sh\nexit 1\n')
  await chmod(join(directory, 'bin', 'go'), 0o755)
  const env = { ...process.env, PATH: `${join(directory, 'bin')}${delimiter}${process.env['PATH']}`, XDG_CACHE_HOME: directory, KUBEBUILDER_ASSETS: join(directory, 'none'), TMPDIR: directory }
  return new Promise((resolve) => {
    execFile(process.execPath, ['hack/chaos.ts', '-t', 'no test has this name'], { env }, (error, stdout) => resolve({ code: error?.code ?? 0, lines: stdout.trimEnd().split('\n') }))
  })
}

test('a control plane that cannot be started is a failure beside what the tests before it came to', { timeout: 300_000 }, async () => {
  const { code, lines } = await chaosWithoutControlPlane()
  expect(lines.at(-1)).toMatch(/^0 passed, 1 failed, [1-9]\d* skipped$/)
  expect(lines).toContain('FAILED control plane: could not be started (see above)')
  expect(code).toBe(1)
})
