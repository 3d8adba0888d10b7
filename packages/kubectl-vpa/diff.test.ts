import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applyPatch } from 'diff'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { autoscale, cliScene, deploy, recommended } from '../../test/support/cli-scene.ts'

const scene = () =>
  cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', { resources: { app: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '2' } }, sidecar: { requests: { cpu: '10m', memory: '16Mi' } } } })
    await autoscale(sandbox, 'shop', {
      spec: { updatePolicy: { updateMode: 'Off' } },
      status: recommended({ app: { target: { cpu: '250m', memory: '512Mi' } }, sidecar: { target: { cpu: '10m', memory: '16Mi' } } }),
    })
  })

test('patches for kustomize, of those containers alone that differ', async () => {
  const { vpa } = await scene()
  const { out, code } = await vpa('diff')
  expect(code).toBe(0)
  expect(out).toMatchInlineSnapshot(`
    "apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: shop
      namespace: default
    spec:
      template:
        spec:
          containers:
            - name: app
              resources:
                requests:
                  cpu: 250m
                  memory: 512Mi
                limits:
                  cpu: 500m
    "
  `)
  expect(await vpa('diff --exit-code')).toMatchObject({ code: 1 })
})

test('a diff of a manifest file that git apply takes: comments, order and quotes stay', async () => {
  const { vpa, directory } = await scene()
  const file = join(directory, 'shop.yaml')
  const before = `# The shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  selector:
    matchLabels: { app: shop }
  template:
    metadata:
      labels: { app: "shop" } # as in the Service
    spec:
      containers:
        - name: app
          resources:
            requests:
              cpu: "1" # measured once
              memory: 2Gi
        - name: sidecar
          resources:
            requests: { cpu: 10m, memory: 16Mi }
`
  await writeFile(file, before)
  const { out, code } = await vpa(`diff -f ${file} --exit-code`)
  expect(code).toBe(1)
  expect(out.replaceAll(directory, '/there')).toMatchInlineSnapshot(`
    "--- /there/shop.yaml
    +++ /there/shop.yaml
    @@ -13,9 +13,9 @@
           containers:
             - name: app
               resources:
                 requests:
    -              cpu: "1" # measured once
    -              memory: 2Gi
    +              cpu: "250m" # measured once
    +              memory: 512Mi
             - name: sidecar
               resources:
                 requests: { cpu: 10m, memory: 16Mi }
    "
  `)
  const after = applyPatch(before, out)
  expect(parse(String(after)).spec.template.spec.containers[0].resources.requests).toEqual({ cpu: '250m', memory: '512Mi' })
  await writeFile(file, String(after))
  expect(await vpa(`diff -f ${file} --exit-code`)).toMatchObject({ code: 0, out: '', err: 'These manifests say what is recommended already.\n' })
  expect(await readFile(file, 'utf8')).toContain('# as in the Service')
})

test('a file that is not YAML, or not there, is named', async () => {
  const { vpa, directory } = await scene()
  await writeFile(join(directory, 'bad.yaml'), 'a: [')
  expect((await vpa(`diff -f ${directory}/bad.yaml`)).err).toContain('bad.yaml: not YAML: ')
  expect(await vpa(`diff -f ${directory}/none.yaml`)).toMatchObject({ code: 3, err: expect.stringContaining('no such file') })
})
