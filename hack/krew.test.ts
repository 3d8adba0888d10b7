import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'

const run = promisify(execFile)

test('the archive is what its manifest says, holds a program that runs alone, and comes out the same again', { timeout: 300_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'krew-test-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const make = async (out: string) => {
    await run(process.execPath, ['hack/krew.ts', '--url', 'https://example.com/vpa/releases/v9', '--out', out])
    return createHash('sha256').update(await readFile(join(out, 'kubectl-vpa.tar.gz'))).digest('hex')
  }
  const sha256 = await make(join(directory, 'a'))
  const { spec } = parse(await readFile(join(directory, 'a', 'vpa.yaml'), 'utf8'))
  expect(spec.platforms).toMatchObject([{ sha256, bin: 'kubectl-vpa.mjs', uri: 'https://example.com/vpa/releases/v9/kubectl-vpa.tar.gz' }])
  // What krew's index demands.
  expect(spec.version).toMatch(/^v\d+\.\d+\.\d+$/)
  expect(spec.shortDescription.length).toBeLessThanOrEqual(50)

  await run('tar', ['--extract', '--gzip', `--file=${join(directory, 'a', 'kubectl-vpa.tar.gz')}`, `--directory=${directory}`])
  expect(await readFile(join(directory, 'LICENSE'), 'utf8')).toContain('Apache License')
  const { stdout } = await run(process.execPath, [join(directory, 'kubectl-vpa.mjs'), '--help'])
  expect(stdout).toContain('Usage: kubectl vpa')
  expect(await make(join(directory, 'b'))).toBe(sha256)
})
