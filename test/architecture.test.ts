import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = new URL('..', import.meta.url).pathname
const sources = globSync('packages/**/*.ts', { cwd: ROOT, exclude: (path) => path.includes('node_modules') })
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }))

/** What a package may import of the others, and which libraries; undefined means any but the Kubernetes client. */
const TABLE: Readonly<Record<string, { readonly packages: readonly string[]; readonly libraries?: readonly string[] }>> = {
  core: { packages: ['core'], libraries: ['zod'] },
  kube: { packages: ['core', 'kube'] },
  // The page: what a browser runs. Its files are read by the recommender, which serves them.
  dashboard: { packages: ['core', 'dashboard'], libraries: ['esbuild', 'uplot', 'node:fs/promises', 'node:url'] },
  recommender: { packages: ['core', 'kube', 'recommender', 'dashboard'] },
  updater: { packages: ['core', 'kube', 'updater'] },
  'admission-controller': { packages: ['core', 'kube', 'admission-controller'] },
  'kubectl-vpa': { packages: ['core', 'kube', 'kubectl-vpa'] },
  sandbox: { packages: ['core', 'sandbox'] },
}

/** What a source file imports: `@vpa/core`, `node:fs`, `zod`, or a path below packages for what is relative. */
function importsOf({ path, text }: (typeof sources)[number]): readonly string[] {
  const specifiers = [...text.matchAll(/^(?:import ['"]|(?:import|export|\}).* from ['"])([^'"]+)|\bimport\(['"]([^'"]+)/gm)]
  return specifiers.map(([, fixed, dynamic]) => fixed ?? dynamic ?? '').map((name) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name))
}

function mayImport(owner: string, name: string): boolean {
  const { packages = [], libraries } = TABLE[owner] ?? {}
  const other = /^(?:@vpa|packages)\/([^/]+)/.exec(name)?.[1]
  if (other !== undefined) return packages.includes(other)
  if (name.startsWith('@kubernetes/client-node')) return owner === 'kube'
  return libraries === undefined || libraries.includes(name)
}

test('core decides, kube talks, programs connect: no import goes up or sideways', () => {
  const wrong = sources.flatMap((source) => importsOf(source).filter((name) => !mayImport(source.path.split('/')[1] ?? '', name)).map((name) => `${source.path} imports ${name}`))
  expect(wrong).toEqual([])
})

test.for([
  ['time enters at the clock', /\bDate\.now\b|new Date\(\)/, /^packages\/(?:kube\/clock\.ts|sandbox\/)/],
  ['chance does not enter core', /\bMath\.random\b|\brandomUUID\b/, /^packages\/(?!core\/)/],
  ['only the frame ends the process', /\bprocess\.exit\b/, /^packages\/kube\/program\.ts$/],
  ['the environment is read once', /\bprocess\.env\b/, /^packages\/kube\/(?:program|credentials)\.ts$/],
  ['core does not know its process', /\bprocess\.\w/, /^packages\/(?!core\/)/],
  ['exports have names', /^export default\b/m, /^$/],
] as const)('%s', ([, forbidden, allowedIn]) => {
  expect(sources.filter(({ path, text }) => forbidden.test(text) && !allowedIn.test(path)).map(({ path }) => path)).toEqual([])
})

test('the rules are applied to something', () => {
  expect(sources.map(({ path }) => path)).toContain('packages/core/quantity.ts')
  expect(importsOf({ path: 'packages/core/a.ts', text: "import {\n  b,\n} from '../kube/b.ts'\nimport 'c'\nconst d = await import('d')" })).toEqual(['packages/kube/b.ts', 'c', 'd'])
})
