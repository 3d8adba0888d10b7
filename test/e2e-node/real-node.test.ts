import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { quantity, wholeValue } from '@vpa/core/quantity.ts'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { existingRealCluster } from '../../hack/demo/real-cluster.ts'
import { tellRealStory } from '../../hack/demo/real-story.ts'
import { Transcript } from '../../hack/demo/transcript.ts'
import { controlPlaneDirectory, kubeconfig, kubectlEnvironment } from '../e2e/control-plane.ts'
import { type LivePod, NODE, SLEEPER, Scene, type SceneOptions, containerOf } from './scene.ts'

const env = { ...process.env, ...kubectlEnvironment, FEATURE_GATES: 'InPlace=true,CPUStartupBoost=true' }
const PROGRAMS = ['vpa-recommender', 'vpa-updater', 'vpa-admission-controller']

async function bash(command: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], { env, timeout: 200_000 })
  return stdout + stderr
}

let client: Client

beforeAll(async () => {
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  await bash('kubectl label namespace kube-system pod-security.kubernetes.io/enforce=restricted')
})

afterAll(() => client.close())

describe('installed by hack/vpa-up.sh, as a user would', () => {
  test('the Deployments run under their own ServiceAccounts, in a namespace that enforces the restricted Pod Security Standard', async () => {
    expect(await bash('hack/vpa-up.sh')).toContain('The Vertical Pod Autoscaler is installed in namespace kube-system')
    const columns = 'APP:.metadata.labels.app,ACCOUNT:.spec.serviceAccountName,READY:.status.containerStatuses[0].ready,NETWORK:.spec.hostNetwork'
    const pods = await bash(`kubectl get pods -n kube-system --no-headers -o custom-columns=${columns}`)
    const expected = ['vpa-admission-controller', ...PROGRAMS].map((name) => `${name} ${name} true <none>`)
    expect(pods.trim().split('\n').map((line) => line.split(/ +/).join(' ')).toSorted()).toEqual(expected.toSorted())
    await expect(bash('kubectl run root -n kube-system --image none')).rejects.toThrow(/violates PodSecurity "restricted:latest"/)
  })

  test('on the real node they are containers of containerd; beside it, KWOK plays a node of its own and leaves this one alone', async () => {
    const pods = await bash("kubectl get pods -n kube-system -o 'jsonpath={range .items[*]}{.spec.nodeName} {.status.containerStatuses[0].containerID}{\"\\n\"}{end}'")
    expect(pods.trim().split('\n').filter((line) => /^real-node containerd:\/\/[0-9a-f]{64}$/.test(line))).toHaveLength(PROGRAMS.length + 1)
    const overrides = JSON.stringify({ spec: { nodeSelector: { type: 'kwok' }, tolerations: [{ operator: 'Exists' }] } })
    await bash(`kubectl run played --image none --overrides '${overrides}' && kubectl wait pod played --for condition=Ready --timeout 60s && kubectl delete pod played`)
  })

  test('kubectl get vpa shows the columns that users know', async () => {
    await inScene('columns', { container: {}, updatePolicy: { updateMode: 'Initial' } }, async (scene) => {
      await scene.recommend({ cpu: '30m', memory: '48Mi' })
      const table = await bash(`kubectl get vpa -n ${scene.namespace}`)
      expect(table).toMatch(/^NAME +MODE +CPU +MEM +PROVIDED +AGE\nweb +Initial +30m +48Mi /)
    })
  })

  test.for(PROGRAMS)('%s is not root and cannot write, and its log is to be read', async (program) => {
    const inside = (script: string) => bash(`kubectl exec -n kube-system deployment/${program} -- node -p '${script}'`)
    expect(await inside('process.getuid()')).toMatch(/^65534$/m)
    await expect(inside('fs.writeFileSync("/app/own", "")')).rejects.toThrow(/EROFS/)
    expect(await bash(`kubectl logs -n kube-system deployment/${program}`)).toContain(`"program":"${program}","msg":"Starting"`)
  })
})

describe('with loops as short as tests want them', () => {
  beforeAll(async () => {
    const shorten = (program: string) => bash(`kubectl patch deployment -n kube-system vpa-${program} --type json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--${program}-interval=3s"}]'`)
    await Promise.all([shorten('recommender'), shorten('updater')])
    await bash('kubectl rollout status -n kube-system deployment/vpa-recommender deployment/vpa-updater --timeout 100s')
  })

  /** Uses 150 MiB and more of its 300. */
  const HOLDER = { image: NODE, command: ['node', '-e', 'const held = Buffer.alloc(150 * 2 ** 20, 1); setInterval(() => held.length, 1000)'], resources: { requests: { cpu: '50m', memory: '300Mi' }, limits: { cpu: '1', memory: '300Mi' } } }
  const SMALL = { requests: { cpu: '20m', memory: '32Mi' }, limits: { cpu: '200m', memory: '64Mi' } }

  describe.concurrent('a pod is resized in place', () => {
    test.for([
      ['InPlaceOrRecreate: the same container goes on', 'InPlaceOrRecreate', undefined, 0],
      ['InPlace: the same container goes on', 'InPlace', undefined, 0],
      ['a container that wants to be restarted for it is, in the same pod', 'InPlaceOrRecreate', [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }], 1],
    ] as const)('%s', async ([name, updateMode, resizePolicy, restarts]) => {
      await inScene(name, { container: { resources: SMALL, resizePolicy }, updatePolicy: { updateMode } }, async (scene) => {
        const before = await scene.running()
        await scene.recommend({ cpu: '30m', memory: '48Mi' })
        const after = await scene.eventually((pod) => expect(containerOf(pod)).toMatchObject({ ready: true, resources: { requests: { cpu: '30m', memory: '48Mi' }, limits: { cpu: '300m', memory: '96Mi' } } }))
        expect(after.metadata.uid).toBe(before.metadata.uid)
        expect(containerOf(after)?.restartCount).toBe(restarts)
        expect(containerOf(after)?.containerID === containerOf(before)?.containerID).toBe(restarts === 0)
        await vi.waitFor(async () => expect(await scene.events('InPlaceResizedByVPA')).not.toEqual([]), { timeout: 30_000, interval: 250 })
      })
    })

    test('less memory than before, while it needs no more than that', async () => {
      const container = { resources: { requests: { cpu: '20m', memory: '128Mi' }, limits: { cpu: '200m', memory: '256Mi' } } }
      await inScene('less-memory', { container, updatePolicy: { updateMode: 'InPlaceOrRecreate' } }, async (scene) => {
        const before = await scene.running()
        await scene.recommend({ cpu: '20m', memory: '32Mi' })
        expectSameContainer(await scene.eventually((pod) => expect(containerOf(pod)?.resources).toMatchObject({ requests: { memory: '32Mi' }, limits: { memory: '64Mi' } })), before)
      })
    })

    test('the kernel enforces what the recommendation says', async () => {
      const container = { image: NODE, command: ['node', '-e', 'setInterval(() => {}, 1000)'], resources: { requests: { cpu: '50m', memory: '100Mi' }, limits: { cpu: '500m', memory: '100Mi' } } }
      await inScene('kernel', { container, updatePolicy: { updateMode: 'InPlaceOrRecreate' } }, async (scene) => {
        const before = await scene.running()
        await scene.recommend({ cpu: '50m', memory: '160Mi' })
        const after = await scene.eventually((pod) => expect(containerOf(pod)?.resources?.limits).toMatchObject({ memory: '160Mi' }))
        expectSameContainer(after, before)
        const limit = await bash(`kubectl exec -n ${scene.namespace} ${after.metadata.name} -- node -p 'fs.readFileSync(["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].find(fs.existsSync), "utf8")'`)
        expect(Number(limit)).toBe(160 * 2 ** 20)
      })
    })
  })

  describe.concurrent('a resize that the node cannot do', () => {
    test('deferred while there is no room: the pod waits, and gets it when there is', async () => {
      await inScene('deferred', { container: { resources: SMALL }, updatePolicy: { updateMode: 'InPlaceOrRecreate' } }, async (scene) => {
        const before = await scene.running()
        const filler = `/api/v1/namespaces/${scene.namespace}/pods`
        await scene.create(filler, { metadata: { name: 'filler' }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image: SLEEPER, imagePullPolicy: 'Never', resources: { requests: { memory: '1200Mi' } } }] } })
        await scene.recommend({ cpu: '20m', memory: '1500Mi' })
        await scene.eventually((pod) => expect(pod.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodResizePending', reason: 'Deferred' })))
        await scene.remove(`${filler}/filler`)
        expectSameContainer(await scene.eventually((pod) => expect(containerOf(pod)?.resources?.requests).toMatchObject({ memory: '1500Mi' })), before)
      })
    })

    test('infeasible in mode InPlace: the pod stays, and gets a smaller recommendation', async () => {
      await inScene('infeasible', { container: { resources: SMALL }, updatePolicy: { updateMode: 'InPlace' } }, async (scene) => {
        const before = await scene.running()
        await scene.recommend({ cpu: '500', memory: '32Mi' })
        await scene.eventually((pod) => expect(pod.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodResizePending', reason: 'Infeasible' })))
        await scene.recommend({ cpu: '30m', memory: '32Mi' })
        expectSameContainer(await scene.eventually((pod) => expect(containerOf(pod)?.resources?.requests).toMatchObject({ cpu: '30m' })), before)
      })
    })

    test.for([
      ['infeasible in mode InPlaceOrRecreate: the pod is evicted', { resources: SMALL }, { cpu: '500', memory: '32Mi' }],
      ['an error in mode InPlaceOrRecreate: the pod is evicted', HOLDER, { cpu: '50m', memory: '64Mi' }],
    ] as const)('%s', async ([name, container, target]) => {
      await inScene(name, { container, updatePolicy: { updateMode: 'InPlaceOrRecreate' } }, async (scene) => {
        const before = await scene.running()
        await scene.recommend(target)
        const after = await scene.eventually((pod) => expect(pod.metadata.uid).not.toBe(before.metadata.uid))
        expect(after.spec.containers[0]?.resources.requests).toEqual(target)
      })
    })

    test('an error, for a memory limit below what is in use, in mode InPlace: the pod stays, and gets one above', async () => {
      await inScene('error', { container: HOLDER, updatePolicy: { updateMode: 'InPlace' } }, async (scene) => {
        const before = await scene.running()
        await scene.recommend({ cpu: '50m', memory: '64Mi' })
        await scene.eventually((pod) => expect(pod.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodResizeInProgress', reason: 'Error', message: expect.stringContaining('usage') as string })))
        await scene.recommend({ cpu: '50m', memory: '280Mi' })
        expectSameContainer(await scene.eventually((pod) => expect(containerOf(pod)?.resources?.limits).toMatchObject({ memory: '280Mi' })), before)
      })
    })
  })

  describe.concurrent('pods that start', () => {
    test('a startup boost is given at admission and taken back in place once the pod is ready', async () => {
      const container = { resources: SMALL, readinessProbe: { exec: { command: ['/bin/sleep', '0'] }, initialDelaySeconds: 5, periodSeconds: 1 } }
      const vpa = { startupBoost: { cpu: { type: 'Factor', factor: 3 } } }
      await inScene('boost', { container, updatePolicy: { updateMode: 'InPlaceOrRecreate' }, vpa }, async (scene) => {
        await scene.recommend({ cpu: '20m', memory: '32Mi' })
        await scene.deploy(container)
        // Not ready yet when it is seen first: it has the boost from the beginning.
        const boosted = await scene.eventually((pod) => expect(containerOf(pod)?.resources?.requests).toMatchObject({ cpu: '60m' }))
        expectSameContainer(await scene.eventually((pod) => expect(containerOf(pod)).toMatchObject({ ready: true, resources: { requests: { cpu: '20m' } } })), boosted)
      })
    })

    test('a disruption budget holds while replacements start', async () => {
      const container = { resources: SMALL, readinessProbe: { exec: { command: ['/bin/sleep', '0'] }, initialDelaySeconds: 4, periodSeconds: 1 } }
      await inScene('budget', { container, replicas: 2, updatePolicy: { updateMode: 'Recreate' } }, async (scene) => {
        await scene.create(`/apis/policy/v1/namespaces/${scene.namespace}/poddisruptionbudgets`, { metadata: { name: 'web' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } })
        const ready = async () => (await scene.pods()).filter((pod) => containerOf(pod)?.ready)
        await vi.waitFor(async () => expect(await ready()).toHaveLength(2), { timeout: 120_000, interval: 250 })
        await scene.recommend({ cpu: '30m', memory: '32Mi' })
        let least = 2
        await vi.waitFor(
          async () => {
            const pods = await ready()
            least = Math.min(least, pods.length)
            expect(pods.filter((pod) => containerOf(pod)?.resources?.requests?.['cpu'] === '30m')).toHaveLength(2)
          },
          { timeout: 240_000, interval: 100 },
        )
        expect(least).toBe(1)
      })
    })

    test('killed for memory soon after its start, a pod is evicted and its replacement gets a fifth or 100 MiB more', async () => {
      const container = { image: NODE, command: ['node', '-e', 'const held = Buffer.alloc(320 * 2 ** 20, 1); setInterval(() => held.length, 1000)'], resources: { requests: { cpu: '50m', memory: '300Mi' }, limits: { cpu: '1', memory: '300Mi' } } }
      const vpa = { resourcePolicy: { containerPolicies: [{ containerName: 'app', controlledResources: ['memory'] }] } }
      await inScene('oom', { container, updatePolicy: { updateMode: 'Recreate' }, vpa, recommenders: [] }, async (scene) => {
        const killed = await scene.eventually((pod) => expect(JSON.stringify(containerOf(pod))).toContain('OOMKilled'))
        const after = await scene.eventually((pod) => expect(pod.metadata.uid).not.toBe(killed.metadata.uid))
        const { memory = '0' } = after.spec.containers[0]?.resources.requests ?? {}
        expect(wholeValue(quantity(memory))).toBeGreaterThanOrEqual(400 * 2 ** 20)
        expect(containerOf(await scene.running())?.restartCount).toBe(0)
      })
    })
  })
})

test('the story of the proxy: held back by its limit, resized in place, faster', async () => {
  // The story checks each of its facts itself and rejects with the first that does not hold.
  const story = tellRealStory(existingRealCluster(controlPlaneDirectory), { transcript: new Transcript(), keep: false, signal: AbortSignal.timeout(280_000) })
  await expect(story).resolves.toBeUndefined()
})

describe('removed by hack/vpa-down.sh', () => {
  test('nothing of it is left', async () => {
    await bash('hack/vpa-down.sh')
    const kinds = 'pods,deployments,services,serviceaccounts,roles,rolebindings,leases,secrets,clusterroles,clusterrolebindings,customresourcedefinitions,mutatingwebhookconfigurations,poddisruptionbudgets'
    const names = (await bash(`kubectl get ${kinds} -n kube-system -o name`)).split('\n')
    expect(names.filter((name) => /vpa|verticalpodautoscaler|evictioner|metrics-reader/.test(name))).toEqual([])
  })
})

async function inScene(title: string, options: SceneOptions, play: (scene: Scene) => Promise<void>): Promise<void> {
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 40)
  const scene = await Scene.open(client, `e2e-${name}`, options)
  try {
    await play(scene)
  } finally {
    await scene.close()
  }
}

/** Neither the pod nor its container was replaced. */
function expectSameContainer(after: LivePod, before: LivePod): void {
  expect(after.metadata.uid).toBe(before.metadata.uid)
  expect(containerOf(after)).toMatchObject({ containerID: containerOf(before)?.containerID, restartCount: 0 })
}
