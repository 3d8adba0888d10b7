import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { conceptsPage } from '../hack/generate-example.ts'
import { anchorOf } from '../hack/monitoring/alerts.ts'

const ROOT = new URL('../', import.meta.url).pathname
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync(['docs/*.md', 'manifests/**/*.md', 'packages/*/*.md', 'test/**/*.md'], { cwd: ROOT })]
const headingsOf = (path: string) => [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

test('the example in docs/concepts.md is what `npx node hack/generate-example.ts` writes', () => {
  expect(conceptsPage(read('docs/concepts.md'))).toBe(read('docs/concepts.md'))
  expect(read('docs/concepts.md')).toContain('the `target` is **')
})

test.for(PAGES)('every link of %s leads somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, path = '', anchor]) => ({ path: path === '' ? page : join(dirname(page), path), anchor }))
  const broken = links.filter(({ path, anchor }) => !existsSync(join(ROOT, path)) || (anchor !== undefined && !headingsOf(path).includes(anchor)))
  expect(broken).toEqual([])
})

test.for(PAGES)('every file that %s names is there', (page) => {
  const named = [...read(page).matchAll(/`((?:docs|hack|manifests|packages|test)\/[^\s`*]+\.[a-z]+)`/g)].map(([, path = '']) => path)
  expect(named.filter((path) => !path.includes('/KIND.') && !existsSync(join(ROOT, path)))).toEqual([])
})

test('CONTRIBUTING.md says of every npm script what it does', () => {
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts)
  const rows = [...read('CONTRIBUTING.md').matchAll(/^\| (`[^|]+`) \| [^|]+ \|/gm)].flatMap(([, names = '']) => names.split(', '))
  expect(scripts.filter((script) => !rows.includes(`\`${script}\``))).toEqual([])
})

test('every message that docs/troubleshooting.md quotes is one of the programs’', () => {
  const sources = globSync('packages/{core,kube,recommender,updater,admission-controller}/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts')).map(read).join('\n')
  const sentences = [...read('docs/troubleshooting.md').matchAll(/`([A-Za-z][^`\n]*[a-z,.:] [^`\n]* [^`\n]*)`/g)].map(([, text = '']) => text).filter((text) => !/^(kubectl|helm) /.test(text))
  expect(sentences.length).toBeGreaterThan(20)
  expect(sentences.filter((text) => !sources.includes(text) && text !== 'VPA is missing recommendation for more than 30m0s')).toEqual([])
})

test('every flag that the pages name is one of the programs’, or of their tools', () => {
  const known = new Set([...read('docs/flags.md').matchAll(/`--([a-z0-9-]+)`/g)].map(([, name = '']) => name))
  const named = globSync('docs/{troubleshooting,concepts,migration,autoscalers,recommender}.md', { cwd: ROOT }).flatMap((page) => [...read(page).matchAll(/`--([a-z0-9-]+)[^`]*`/g)].map(([, name = '']) => name))
  expect(named.filter((name) => !known.has(name))).toEqual([])
})
