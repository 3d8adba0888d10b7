import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { usersKubeconfigs } from './credentials.ts'
import { namespaceOf, plainKubeconfig, readKubeconfig } from './kubeconfig.ts'

async function filesWith(...configs: readonly object[]): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'ca.crt'), 'the CA')
  return Promise.all(
    configs.map(async (config, index) => {
      await writeFile(join(directory, `config-${index}`), JSON.stringify(config))
      return join(directory, `config-${index}`)
    }),
  )
}

const cluster = (name: string, server = `https://${name}`) => ({ name, cluster: { server, 'certificate-authority': 'ca.crt' } })
const context = (name: string, namespace?: string) => ({ name, context: { cluster: name, user: name, namespace } })
const user = (name: string, token = `token of ${name}`) => ({ name, user: { token } })
const one = { 'current-context': 'one', clusters: [cluster('one')], contexts: [context('one')], users: [user('one')] }
const two = { 'current-context': 'two', clusters: [cluster('two'), cluster('one', 'https://other')], contexts: [context('two', 'shop')], users: [user('two')] }

test('several files say one thing together: the first that names something counts', async () => {
  const config = await readKubeconfig({ files: await filesWith(one, two) })
  expect(await plainKubeconfig(config)).toMatchObject({ server: 'https://one', tls: { ca: Buffer.from('the CA') } })
})

test('another context than the current one, from any of the files', async () => {
  const config = await readKubeconfig({ files: await filesWith(one, two), context: 'two' })
  const plain = await plainKubeconfig(config)
  expect(plain?.server).toBe('https://two')
  expect(await plain?.headers()).toEqual({ authorization: 'Bearer token of two' })
  expect(namespaceOf(config)).toBe('shop')
})

test('a context that is not there: says which are', async () => {
  await expect(readKubeconfig({ files: await filesWith(one, two), context: 'three' })).rejects.toThrow(/no context "three" in .*config-0, .*config-1: expected one of one, two/)
})

test('a file that is no kubeconfig is named', async () => {
  await expect(readKubeconfig({ files: await filesWith({ clusters: 'none' }) })).rejects.toThrow(/config-0: not a kubeconfig: clusters/)
})

test('the files of $KUBECONFIG that exist; otherwise the one in the home directory', async () => {
  const [first = '', second = ''] = await filesWith(one, two)
  expect(await usersKubeconfigs({ KUBECONFIG: `${first}:/not/there:${second}`, HOME: '/nobody' })).toEqual([first, second])
  expect(await usersKubeconfigs({ HOME: '/nobody' })).toEqual([])
})
