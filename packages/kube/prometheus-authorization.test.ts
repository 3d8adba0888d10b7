import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type PrometheusLogin, prometheusAuthorization } from './prometheus-authorization.ts'

const NOTHING: PrometheusLogin = { bearerToken: '', bearerTokenFile: '', username: '', password: '', env: {} }
const ENV = { PROMETHEUS_USERNAME: 'env', PROMETHEUS_PASSWORD: 'secret' }
const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`

async function fileWith(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'token-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'token'), text)
  return join(directory, 'token')
}

test.for([
  ['nothing given', {}, undefined],
  ['a token', { bearerToken: 'abc' }, 'Bearer abc'],
  ['a token goes before a user name', { bearerToken: 'abc', username: 'u', password: 'p', env: ENV }, 'Bearer abc'],
  ['user name and password', { username: 'u', password: 'p' }, basic('u:p')],
  ['flags go before the environment', { username: 'u', password: 'p', env: ENV }, basic('u:p')],
  ['the environment alone', { env: ENV }, basic('env:secret')],
  ['half a login in the flags, a whole one in the environment', { username: 'u', env: ENV }, basic('env:secret')],
  ['half a login in the environment', { env: { PROMETHEUS_USERNAME: 'env' } }, undefined],
] as const)('%s', async ([, given, expected]) => {
  expect(await prometheusAuthorization({ ...NOTHING, ...given })).toBe(expected)
})

test('a token file goes before the token, without its line break', async () => {
  expect(await prometheusAuthorization({ ...NOTHING, bearerToken: 'abc', bearerTokenFile: await fileWith('from-file\n') })).toBe('Bearer from-file')
})

test('a token file that is not there, or empty, is named', async () => {
  const file = await fileWith(' \n')
  await expect(prometheusAuthorization({ ...NOTHING, bearerTokenFile: file })).rejects.toThrow(`cannot read the bearer token file ${file}`)
  await expect(prometheusAuthorization({ ...NOTHING, bearerTokenFile: `${file}x` })).rejects.toThrow(`cannot read the bearer token file ${file}x`)
})
