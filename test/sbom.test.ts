import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PAGE_BUNDLE } from '@vpa/dashboard/page-files.ts'
import { type BuildOptions, build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { IMAGE_BUNDLE } from '../hack/bundle.ts'
import { PLUGIN_BUNDLE } from '../hack/krew.ts'

const ROOT = new URL('..', import.meta.url).pathname

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly type: string
  readonly purl?: string
  readonly hashes?: readonly object[]
  readonly licenses: readonly object[]
}

interface Bill {
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

let bill: Bill
let node: string

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), 'sbom-'))
  try {
    const file = join(directory, 'made', 'sbom.cdx.json')
    execFileSync(process.execPath, ['hack/sbom.ts', file], { cwd: ROOT })
    bill = JSON.parse(readFileSync(file, 'utf8')) as Bill
  } finally {
    rmSync(directory, { recursive: true })
  }
  node = refOf('node_modules/node')
})

function manifestOf(folder: string): { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as { name: string; version: string }
}

function refOf(folder: string): string {
  const { name, version } = manifestOf(folder)
  return `${name}@${version}`
}

function heldBy(what: string): readonly string[] {
  return bill.dependencies.find(({ ref }) => ref === what)?.dependsOn ?? []
}

/** The packages that stand in the text of these bundles: not minified, each file has its path in a comment before it. */
async function seenIn(...bundles: readonly BuildOptions[]): Promise<string[]> {
  const built = await Promise.all(bundles.map((bundle) => build({ ...bundle, absWorkingDir: ROOT, write: false, minify: false, minifyWhitespace: false })))
  const texts = built.flatMap(({ outputFiles = [] }) => outputFiles.map(({ text }) => text))
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/^\/\/ (\S*node_modules\/(?:@[^/\s]+\/)?[^/\s]+)\//gm)].map(([, folder = '']) => refOf(folder))))].toSorted()
}

test('it is a CycloneDX document about the version that it is made from', () => {
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/) as string })
  expect(bill.metadata.component).toMatchObject({ 'bom-ref': 'vertical-pod-autoscaler', type: 'application', name: 'vertical-pod-autoscaler', version: manifestOf('.').version })
})

test('the image holds Node and each package of its bundles, the plugin those of its own, and neither anything else', { timeout: 120_000 }, async () => {
  expect(heldBy('vertical-pod-autoscaler')).toEqual(['image', 'plugin'])
  expect(heldBy('image')).toEqual([node, ...(await seenIn(IMAGE_BUNDLE, PAGE_BUNDLE))])
  expect(heldBy('plugin')).toEqual(await seenIn(PLUGIN_BUNDLE))
})

test.for([
  ['the web server', 'fastify', ['image']],
  ['the plots of the dashboard', 'uplot', ['image']],
  ['the plots of the plugin’s report', 'echarts', ['plugin']],
  ['the plugin’s command line', 'commander', ['plugin']],
  ['what reads kubeconfigs', 'yaml', ['image', 'plugin']],
  ['what only the sandbox uses', 'fast-json-patch', []],
  ['what bundles', 'esbuild', []],
] as const)('%s, %s, is held by %j', ([, name, holders]) => {
  expect(['image', 'plugin'].filter((what) => heldBy(what).some((ref) => ref.startsWith(`${name}@`)))).toEqual(holders)
})

test('each component is told once, with package URL, hash and licence', () => {
  const refs = bill.components.map((component) => component['bom-ref'])
  expect(new Set(refs).size).toBe(refs.length)
  expect(new Set(refs)).toEqual(new Set(bill.dependencies.flatMap(({ dependsOn }) => dependsOn)))
  for (const { 'bom-ref': ref, purl, hashes, licenses } of bill.components.filter(({ type }) => type === 'library' || type === 'platform')) {
    const sha512 = { alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string }
    expect({ ref, purl, hashes, licences: licenses.length }).toEqual({ ref, purl: `pkg:npm/${ref.replace(/^@/, '%40')}`, hashes: [sha512], licences: 1 })
  }
})

test('Node is told by its version, its licence and the name by which scanners know it', () => {
  const { version } = manifestOf('node_modules/node')
  expect(bill.components.find((component) => component['bom-ref'] === node)).toMatchObject({ type: 'platform', name: 'node', version, licenses: [{ license: { id: 'MIT' } }], cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*` })
})
