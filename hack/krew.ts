#!/usr/bin/env node
/**
 * Makes the archive and the manifest by which krew installs `kubectl vpa`, in dist/krew:
 *
 *   npx node hack/krew.ts --url https://example.com/releases/v0.1.0 [--out DIR]
 *   kubectl krew install --manifest=dist/krew/vpa.yaml --archive=dist/krew/kubectl-vpa.tar.gz
 *
 * The archive holds the program with all it needs but Node. The same sources make the same bytes.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type BuildOptions, build } from 'esbuild'
import { stringify } from 'yaml'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ARCHIVE = 'kubectl-vpa.tar.gz'

/** The program with all it needs. */
export const PLUGIN_BUNDLE: BuildOptions = {
  absWorkingDir: ROOT,
  entryPoints: [{ in: 'packages/kubectl-vpa/main.ts', out: 'kubectl-vpa' }],
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // The plotting library and the Kubernetes client library are loaded only where they are needed.
  splitting: true,
  minify: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  logLevel: 'warning',
}

if (import.meta.main) await makeArchive()

async function makeArchive(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string' }, out: { type: 'string', default: join(ROOT, 'dist', 'krew') } } })
  if (values.url === undefined) {
    console.error(`--url is missing: expected where ${ARCHIVE} will be served from, such as https://example.com/releases/v0.1.0`)
    process.exitCode = 2
  } else {
    const directory = mkdtempSync(join(tmpdir(), 'krew-'))
    try {
      await build({ ...PLUGIN_BUNDLE, outdir: directory })
      copyFileSync(join(ROOT, 'LICENSE'), join(directory, 'LICENSE'))
      mkdirSync(values.out, { recursive: true })
      // Neither times nor owners: who builds it again gets the same sha256.
      execFileSync('tar', ['--create', '--use-compress-program=gzip -n', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', `--file=${join(values.out, ARCHIVE)}`, ...readdirSync(directory).toSorted()], { cwd: directory })
      writeFileSync(join(values.out, 'vpa.yaml'), manifest(values.url, readFileSync(join(values.out, ARCHIVE))))
      console.log(`${join(values.out, ARCHIVE)}\n${join(values.out, 'vpa.yaml')}`)
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
}

function manifest(url: string, archive: Buffer): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages', 'kubectl-vpa', 'package.json'), 'utf8')) as { version: string }
  return stringify({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'vpa' },
    spec: {
      version: `v${version}`,
      homepage: url.replace(/\/releases\/.*/, ''),
      shortDescription: 'Explain and preview VerticalPodAutoscalers',
      description: 'What the Vertical Pod Autoscaler recommends and what the difference costs; why this number; what it would do to pods, without doing it; what is in its way; patches for manifests, and a report for CI.',
      caveats: 'Needs Node 22.19 or newer on the PATH.',
      platforms: [
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['darwin', 'linux'] }] },
          uri: `${url}/${ARCHIVE}`,
          sha256: createHash('sha256').update(archive).digest('hex'),
          bin: 'kubectl-vpa.mjs',
        },
      ],
    },
  })
}
