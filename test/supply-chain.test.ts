import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const ROOT = new URL('..', import.meta.url).pathname
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8')

interface Locked {
  readonly link?: boolean
  readonly dev?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const locked = Object.entries((JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> }).packages)
const ours = locked.filter(([path]) => !path.includes('node_modules/'))
const others = locked.filter(([path, { link }]) => path.includes('node_modules/') && !link)

/** Licences that allow what an Apache-2.0 program does with its libraries. */
const FINE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0', 'ISC', 'MIT', 'MIT-0', 'PSF-2.0', 'Python-2.0', 'Unlicense']

function isFine(licence: string): boolean {
  return licence.replaceAll(/[()]/g, '').split(' OR ').some((choice) => FINE.includes(choice))
}

test('what runs in a cluster is under licences that allow it', () => {
  const shipped = others.filter(([, { dev }]) => !dev)
  expect(shipped.length).toBeGreaterThan(10)
  expect(shipped.filter(([, { license = '' }]) => !isFine(license)).map(([path, { license }]) => `${path}: ${license}`)).toEqual([])
})

/** Of the registry's packages npm writes no `resolved`, since .npmrc has omit-lockfile-registry-resolved; what is from elsewhere (a repository, an address) has one all the same. */
function isPinned({ resolved, integrity }: Locked): boolean {
  return (resolved === undefined || resolved.startsWith('https://registry.npmjs.org/')) && /^sha512-[\w+/]{86}==$/.test(integrity ?? '')
}

test('no package comes from elsewhere than the registry, and each is checked by its hash', () => {
  expect(read('.npmrc')).toContain('omit-lockfile-registry-resolved=true')
  expect(others.length).toBeGreaterThan(100)
  expect(others.filter(([, locked]) => !isPinned(locked)).map(([path]) => path)).toEqual([])
})

const INTEGRITY = `sha512-${'a'.repeat(86)}==`

test.for([
  ['of the registry, which goes without saying', { integrity: INTEGRITY }, true],
  ['of the registry, said', { resolved: 'https://registry.npmjs.org/pino/-/pino-10.4.0.tgz', integrity: INTEGRITY }, true],
  ['of a registry of somebody’s', { resolved: 'https://registry.npmjs.org.example.com/pino/-/pino-10.4.0.tgz', integrity: INTEGRITY }, false],
  ['of a repository', { resolved: 'git+ssh://git@github.com/pinojs/pino.git#7a1b' }, false],
  ['of an address', { resolved: 'https://example.com/pino.tgz', integrity: INTEGRITY }, false],
  ['without a hash', {}, false],
  ['with a hash that can be forged', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, false],
] as const)('a package %s is pinned: %s', ([, locked, expected]) => {
  expect(isPinned(locked)).toBe(expected)
})

test('each direct dependency has its reason in CONTRIBUTING.md', () => {
  const table = read('CONTRIBUTING.md')
  const direct = new Set(ours.flatMap(([, { dependencies = {}, devDependencies = {} }]) => Object.keys({ ...dependencies, ...devDependencies })))
  const isTold = (name: string) => table.includes(`\`${name}\``) || (name.startsWith('@types/') && table.includes('`@types/*`')) || name.startsWith('@vpa/') || name.startsWith('vpa-')
  expect(direct.size).toBeGreaterThan(10)
  expect([...direct].filter((name) => !isTold(name))).toEqual([])
})
