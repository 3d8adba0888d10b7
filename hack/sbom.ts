#!/usr/bin/env node
/**
 * Writes a CycloneDX bill of materials of what is shipped, without the network: npm run sbom -- [FILE]
 *
 * That is the image: Node, and the packages of which something is in the programs' bundles; and the plugin kubectl vpa: those of its
 * bundle. What is said of a package (hash, licence, package URL) is what npm says, from the lock file.
 *
 * Node is the one that `hack/image.sh --archive` packs; a base image brings its own. The system's libraries are not told.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PAGE_BUNDLE } from '@vpa/dashboard/page-files.ts'
import { type BuildOptions, build } from 'esbuild'
import { IMAGE_BUNDLE } from './bundle.ts'
import { PLUGIN_BUNDLE } from './krew.ts'

/** What `npm sbom` writes, as far as it matters here. */
interface Bill {
  readonly metadata: { readonly component: { readonly licenses: readonly object[] } }
  readonly components: readonly { readonly 'bom-ref': string; readonly version: string }[]
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NODE = refOf('node_modules/node')

const file = process.argv[2] ?? join(ROOT, 'dist/sbom.cdx.json')
const locked = JSON.parse(execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--include=dev'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8 })) as Bill
const inImage = [NODE, ...(await refsIn(IMAGE_BUNDLE, PAGE_BUNDLE))]
const inPlugin = await refsIn(PLUGIN_BUNDLE)
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, `${JSON.stringify(bill(), undefined, 2)}\n`)
console.log(`${file}: ${inImage.length} components in the image, ${inPlugin.length} in the plugin`)

function bill(): object {
  const { name, version } = manifestOf('.')
  const { licenses } = locked.metadata.component
  const packages = [...new Set([...inImage, ...inPlugin])].toSorted()
  return {
    ...locked,
    metadata: { ...locked.metadata, lifecycles: [{ phase: 'build' }], component: { 'bom-ref': name, type: 'application', name, version, licenses } },
    components: [
      { 'bom-ref': 'image', type: 'container', name, version, licenses },
      { 'bom-ref': 'plugin', type: 'application', name: 'kubectl-vpa', version: manifestOf('packages/kubectl-vpa').version, licenses },
      ...packages.map(componentOf),
    ],
    dependencies: [
      { ref: name, dependsOn: ['image', 'plugin'] },
      { ref: 'image', dependsOn: inImage },
      { ref: 'plugin', dependsOn: inPlugin },
    ],
    compositions: [{ aggregate: 'incomplete', dependencies: ['image'] }],
  }
}

function componentOf(ref: string): object {
  const component = locked.components.find((known) => known['bom-ref'] === ref)
  if (component === undefined) throw new Error(`${ref} is shipped, and not in package-lock.json; npm ci installs what is`)
  // By this name, scanners find what is known of Node; that of the package around it says nothing to them.
  const platform = { type: 'platform', cpe: `cpe:2.3:a:nodejs:node.js:${component.version}:*:*:*:*:*:*:*` }
  // That a package is a development dependency, or an optional one, says nothing of what is shipped.
  return { ...component, scope: 'required', properties: [], ...(ref === NODE && platform) }
}

/** The packages of which something is in these bundles. */
async function refsIn(...bundles: readonly BuildOptions[]): Promise<string[]> {
  const refs = new Set<string>()
  for (const bundle of bundles) {
    const { metafile } = await build({ ...bundle, absWorkingDir: ROOT, write: false, metafile: true })
    for (const [path, { bytesInOutput }] of Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))) {
      const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []
      if (folder !== undefined && bytesInOutput > 0) refs.add(refOf(folder))
    }
  }
  return [...refs].toSorted()
}

/** As npm refers to a package: `pino@10.4.0`. */
function refOf(folder: string): string {
  const { name, version } = manifestOf(folder)
  return `${name}@${version}`
}

function manifestOf(folder: string): { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as { name: string; version: string }
}
