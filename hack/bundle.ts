// Bundles the programs with all they need into dist/: vpa-<program>.mjs, and chunk files that they share. That is the image.
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = ['recommender', 'updater', 'admission-controller']

await rm(`${root}/dist`, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: programs.map((program) => ({ in: `packages/${program}/main.ts`, out: `vpa-${program}` })),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // What is imported on demand stays in files of its own: the Kubernetes client library is 16 MB of source that a program
  // with a ServiceAccount never reads. In one file, it would cost each program 50 MB of memory.
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Not minified: stack traces stay readable. Dependencies written as CommonJS expect a `require`, which ES modules lack.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  logLevel: 'warning',
})
