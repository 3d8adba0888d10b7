// Bundles each program with all it needs into one file, dist/vpa-<program>.mjs: what the image contains.
import { build } from 'esbuild'

const programs = ['recommender', 'updater', 'admission-controller']

await build({
  absWorkingDir: new URL('..', import.meta.url).pathname,
  entryPoints: programs.map((program) => ({ in: `packages/${program}/main.ts`, out: `vpa-${program}` })),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Not minified: stack traces stay readable. Dependencies written as CommonJS expect a `require`, which ES modules lack.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  logLevel: 'info',
})
