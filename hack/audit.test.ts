import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Explained, judge } from './audit.ts'

const run = promisify(execFile)

const SEMVER = { source: 1, name: 'semver', dependency: 'semver', title: 'Slow regular expression', url: 'https://github.com/advisories/GHSA-c2qf-rxjj-qqgw', severity: 'high', cwe: ['CWE-1333'], cvss: { score: 7.5, vectorString: null }, range: '<7.5.2' }
const VITE = { ...SEMVER, source: 2, name: 'vite', dependency: 'vite', title: 'Serves any file', url: 'https://github.com/advisories/GHSA-4r4m-qw57-chr8', severity: 'moderate', range: '<6.2.4' }

/** As `npm audit --json` prints it: fastify has what semver has. */
function report(...advisories: readonly (typeof SEMVER)[]): string {
  const own = advisories.map((advisory) => [advisory.name, { name: advisory.name, severity: advisory.severity, isDirect: false, via: [advisory], effects: ['fastify'], range: advisory.range, nodes: [`node_modules/${advisory.name}`], fixAvailable: true }])
  const fastify = { name: 'fastify', severity: 'high', isDirect: true, via: advisories.map(({ name }) => name), effects: [], range: '*', nodes: ['node_modules/fastify'], fixAvailable: true }
  return JSON.stringify({ auditReportVersion: 2, vulnerabilities: Object.fromEntries([...own, ...(advisories.length > 0 ? [['fastify', fastify]] : [])]), metadata: { vulnerabilities: { total: advisories.length } } })
}

const CLEAN = report()
const REFUSED = JSON.stringify({ message: '405 Method Not Allowed - POST https://registry.example.com/-/npm/v1/security/advisories/bulk', method: 'POST', statusCode: 405, body: '', error: { summary: '', detail: '' } })
const UNKNOWN = JSON.stringify({ error: { code: 'ENOLOCK', summary: 'This command requires an existing lockfile.', detail: '' } })
const SAFE = { 'GHSA-c2qf-rxjj-qqgw': 'nobody else writes the versions that it reads' }

test.for([
  ['nothing is known', CLEAN, CLEAN, {}, 0, ['0 known, 0 not explained']],
  ['something shipped is not explained', report(SEMVER), report(SEMVER), {}, 1, ['NOT EXPLAINED GHSA-c2qf-rxjj-qqgw: high, shipped: semver <7.5.2: Slow regular expression (https://github.com/advisories/GHSA-c2qf-rxjj-qqgw)', '1 known, 1 not explained']],
  ['something for development is not explained', report(VITE), CLEAN, {}, 1, ['NOT EXPLAINED GHSA-4r4m-qw57-chr8: moderate, for development alone: vite <6.2.4: Serves any file (https://github.com/advisories/GHSA-4r4m-qw57-chr8)', '1 known, 1 not explained']],
  ['one is explained', report(SEMVER), report(SEMVER), SAFE, 0, ['explained GHSA-c2qf-rxjj-qqgw: high, shipped: semver <7.5.2: Slow regular expression (https://github.com/advisories/GHSA-c2qf-rxjj-qqgw): nobody else writes the versions that it reads', '1 known, 0 not explained']],
  ['one of two is explained', report(SEMVER, VITE), report(SEMVER), SAFE, 1, [expect.stringContaining('explained GHSA-c2qf-rxjj-qqgw'), expect.stringContaining('NOT EXPLAINED GHSA-4r4m-qw57-chr8'), '2 known, 1 not explained']],
  ['an explanation has had its day', CLEAN, CLEAN, SAFE, 0, ['no longer reported, so it needs no explanation: GHSA-c2qf-rxjj-qqgw', '0 known, 0 not explained']],
  ['the registry refuses', REFUSED, REFUSED, {}, 3, ['the registry did not answer, so nothing is known: 405 Method Not Allowed - POST https://registry.example.com/-/npm/v1/security/advisories/bulk']],
  ['the registry refuses the second time', report(SEMVER), REFUSED, SAFE, 3, [expect.stringContaining('405 Method Not Allowed')]],
  ['npm does not ask', UNKNOWN, UNKNOWN, {}, 3, ['the registry did not answer, so nothing is known: This command requires an existing lockfile.']],
  ['npm prints no JSON', 'npm error', '', {}, 3, ['the registry did not answer, so nothing is known: npm audit printed "npm error"']],
  ['npm prints a report of another version', '{"auditReportVersion":3}', CLEAN, {}, 3, ['the registry did not answer, so nothing is known: npm audit printed "{\\"auditReportVersion\\":3}"']],
] as const)('%s', ([, all, shipped, explained, exitCode, lines]) => {
  expect(judge(all, shipped, explained)).toEqual({ exitCode, lines })
})

test.for([
  ['what is no id', { semver: 'it is fine' }, 'expected reasons by ids such as GHSA-xxxx-xxxx-xxxx'],
  ['no reason', { 'GHSA-c2qf-rxjj-qqgw': ' ' }, 'expected a reason'],
] as const)('an explanation of %s is refused', ([, explanations, message]) => {
  expect(Explained.safeParse(explanations).error?.message).toContain(message)
})

/** `npm run audit` with a registry that answers so. */
async function auditAgainst(status: number, advisories: object): Promise<{ readonly code: number; readonly stdout: string; readonly asked: readonly string[][] }> {
  const asked: string[][] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    if (request.method === 'POST') asked.push(Object.keys(JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()) as object))
    response.writeHead(request.method === 'POST' ? status : 404, { 'content-type': 'application/json' }).end(JSON.stringify(request.method === 'POST' ? advisories : {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const env = { ...process.env, npm_config_registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, npm_config_noproxy: '127.0.0.1' }
  const { code = 0, stdout } = await run(process.execPath, ['hack/audit.ts'], { env }).then((done) => ({ code: 0, ...done }), (error: unknown) => error as { code: number; stdout: string })
  return { code, stdout, asked }
}

test('npm’s own report of an advisory is understood, and all packages are asked about, then those that are shipped', { timeout: 120_000 }, async () => {
  const { code, stdout, asked } = await auditAgainst(200, { uplot: [{ id: 7, url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc', title: 'Draws too much', severity: 'low', vulnerable_versions: '<99.0.0', cwe: [], cvss: { score: 0, vectorString: null } }] })
  expect(stdout).toContain('NOT EXPLAINED GHSA-aaaa-bbbb-cccc: low, shipped: uplot <99.0.0: Draws too much (https://github.com/advisories/GHSA-aaaa-bbbb-cccc)\n')
  expect(stdout).toContain('1 known, 1 not explained\n')
  expect(code).toBe(1)
  expect(asked.map((names) => [names.includes('fastify'), names.includes('vitest')])).toEqual([[true, true], [true, false]])
})

test('a registry that does not answer such questions has an exit code of its own', { timeout: 120_000 }, async () => {
  const { code, stdout } = await auditAgainst(405, {})
  expect(stdout).toContain('the registry did not answer, so nothing is known: 405 Method Not Allowed')
  expect(code).toBe(3)
})
