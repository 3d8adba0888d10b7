import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { BuildOptions } from 'esbuild'

/** All that a browser needs; the text of each file. */
export interface PageFiles {
  readonly html: string
  readonly script: string
  readonly style: string
  readonly icon: string
}

const PAGE = fileURLToPath(new URL('page/', import.meta.url))
/** Its script and its style. */
export const PAGE_BUNDLE: BuildOptions = {
  entryPoints: { dashboard: `${PAGE}main.ts`, style: `${PAGE}style.css` },
  outdir: PAGE,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome123', 'firefox120', 'safari17.5'],
  logLevel: 'warning',
}
let built: Promise<PageFiles> | undefined

/** Bundles the page, once. In the image, hack/bundle.ts has put the result in the place of this file. */
export function pageFiles(): Promise<PageFiles> {
  built ??= buildPage()
  return built
}

async function buildPage(): Promise<PageFiles> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({ ...PAGE_BUNDLE, write: false })
  const output = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
  return { html: await readFile(`${PAGE}index.html`, 'utf8'), icon: await readFile(`${PAGE}icon.svg`, 'utf8'), script: output('.js'), style: output('.css') }
}
