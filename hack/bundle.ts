// Bundles the programs with all they need into dist/: vpa-<program>.mjs, and chunk files that they share. That is the image.
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { pageFiles } from '@vpa/dashboard/page-files.ts'
import { type BuildOptions, type Plugin, build } from 'esbuild'
import { PROGRAM_NAMES } from './program-names.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** The dashboard's page becomes a file like others that are read on demand: what its source would bundle at the first visit. */
const bundledPage: Plugin = {
  name: 'dashboard page',
  setup({ onEnd, onLoad }) {
    let isThere = false
    onLoad({ filter: /packages\/dashboard\/page-files\.ts$/ }, async () => {
      isThere = true
      return { contents: `const files = ${JSON.stringify(await pageFiles())}\nexport const pageFiles = async () => files` }
    })
    onEnd(() => {
      if (!isThere) throw new Error('the page of the dashboard is missing: nothing imports packages/dashboard/page-files.ts')
    })
  },
}

/** The three programs. */
export const IMAGE_BUNDLE: BuildOptions = {
  absWorkingDir: root,
  entryPoints: PROGRAM_NAMES.map((program) => ({ in: `packages/${program}/main.ts`, out: `vpa-${program}` })),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // What is imported on demand stays in files of its own: the Kubernetes client library is 16 MB of source that a program
  // with a ServiceAccount never reads. In one file, it would cost each program 50 MB of memory.
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Without comments and white space, and in ASCII, the sources that V8 keeps in memory take a fifth: text with a single other
  // character, be it in a comment, has two bytes for each. Names and short lines keep stack traces readable.
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: 'external',
  // Dependencies written as CommonJS expect a `require`, which ES modules lack.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  plugins: [bundledPage],
  logLevel: 'warning',
}

if (import.meta.main) {
  await rm(`${root}/dist`, { recursive: true, force: true })
  await build(IMAGE_BUNDLE)
}
