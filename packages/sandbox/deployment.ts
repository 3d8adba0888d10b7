import { formatTime } from '@vpa/core/time.ts'
import { DEPLOYMENTS, REPLICA_SETS } from './kind.ts'
import { templateHash } from './names.ts'
import type { PodController } from './object.ts'
import { type World, ownerOf, ownerReference, podsOf, recordEvent, setStatus } from './world.ts'

const REVISION = 'deployment.kubernetes.io/revision'

/** Deployments: a ReplicaSet for each template; a changed template is rolled out within the bounds of the strategy. */
export async function runDeployments(world: World): Promise<void> {
  for (const deployment of world.storage.list(DEPLOYMENTS) as readonly PodController[]) {
    const owned = (world.storage.list(REPLICA_SETS) as readonly PodController[]).filter(({ metadata }) => ownerOf(metadata.ownerReferences)?.uid === deployment.metadata.uid)
    const hash = templateHash(deployment.spec.template)
    const current = owned.find(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash) ?? (await createReplicaSet(world, deployment, { hash, revision: owned.length + 1 }))
    const old = owned.filter((replicaSet) => replicaSet !== current)
    rollOut(world, deployment, current, old)
    reportStatus(world, deployment, current, old)
  }
}

async function createReplicaSet(world: World, deployment: PodController, { hash, revision }: { hash: string; revision: number }): Promise<PodController> {
  const { metadata, spec } = deployment
  const labels = { ...spec.template.metadata?.labels, 'pod-template-hash': hash }
  const selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, 'pod-template-hash': hash } }
  const created = await world.api.create(REPLICA_SETS, metadata.namespace, {
    metadata: { name: `${metadata.name}-${hash}`, labels, annotations: { [REVISION]: `${revision}` }, ownerReferences: [ownerReference(deployment)] },
    spec: { replicas: 0, selector, template: { ...spec.template, metadata: { ...spec.template.metadata, labels } } },
  })
  const current = world.api.get(DEPLOYMENTS, { namespace: metadata.namespace, name: metadata.name })
  world.storage.put(DEPLOYMENTS, { ...current, metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [REVISION]: `${revision}` } } })
  return created as PodController
}

/** One step towards all pods being of the current template. Source: the rolling update of the deployment controller. */
function rollOut(world: World, deployment: PodController, current: PodController, old: readonly PodController[]): void {
  const { spec } = deployment
  const wanted = spec.replicas ?? 1
  const isRolling = spec.strategy?.type !== 'Recreate'
  const surge = isRolling ? share(spec.strategy?.rollingUpdate?.maxSurge ?? '25%', wanted, Math.ceil) : 0
  const unavailable = isRolling ? share(spec.strategy?.rollingUpdate?.maxUnavailable ?? '25%', wanted, Math.floor) : wanted
  const oldTotal = sum(old, replicasOf)
  const oldPods = sum(old, (replicaSet) => podsOf(world, replicaSet).length)
  const room = isRolling ? wanted + surge - oldTotal : wanted * Number(oldPods === 0)
  const nextOfCurrent = Math.max(Math.min(wanted, replicasOf(current)), Math.min(wanted, room))
  scale(world, deployment, current, nextOfCurrent)

  // A step without surge must be allowed to go below: at least one pod has to leave before another can come.
  const needed = wanted - Math.max(unavailable, Number(surge === 0 && wanted > 0))
  const notReady = nextOfCurrent - Math.min(nextOfCurrent, countOf(current, 'readyReplicas'))
  let leaving = Math.max(0, oldTotal + nextOfCurrent - needed - notReady)
  for (const replicaSet of old) {
    const count = Math.min(leaving, replicasOf(replicaSet))
    leaving -= count
    scale(world, deployment, replicaSet, replicasOf(replicaSet) - count)
  }
}

function scale(world: World, deployment: PodController, replicaSet: PodController, replicas: number): void {
  if (replicasOf(replicaSet) === replicas) return
  const { storage } = world
  const stored = storage.get(REPLICA_SETS, `${replicaSet.metadata.namespace}/${replicaSet.metadata.name}`) as PodController
  const generation = (stored.metadata.generation ?? 1) + 1
  storage.put(REPLICA_SETS, { ...stored, metadata: { ...stored.metadata, generation }, spec: { ...stored.spec, replicas } })
  const direction = replicas > replicasOf(replicaSet) ? 'up' : 'down'
  recordEvent(world, deployment, { reason: 'ScalingReplicaSet', message: `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${replicasOf(replicaSet)} to ${replicas}`, from: 'deployment-controller' })
}

function reportStatus(world: World, deployment: PodController, current: PodController, old: readonly PodController[]): void {
  const all = [current, ...old]
  const wanted = deployment.spec.replicas ?? 1
  const ready = sum(all, (replicaSet) => countOf(replicaSet, 'readyReplicas'))
  const updated = countOf(current, 'replicas')
  const total = sum(all, (replicaSet) => countOf(replicaSet, 'replicas'))
  const isDone = updated === wanted && total === wanted && ready === wanted
  const before = (deployment.status?.['conditions'] ?? []) as readonly { type: string; status: string; lastTransitionTime: string }[]
  const condition = (type: string, holds: boolean, [reason, message]: readonly [string, string]) => {
    const status = holds ? 'True' : 'False'
    const same = before.find((other) => other.type === type && other.status === status)
    const since = same?.lastTransitionTime ?? formatTime(world.clock.now())
    return { type, status, reason, message, lastTransitionTime: since, lastUpdateTime: since }
  }
  setStatus(world, DEPLOYMENTS, deployment, {
    observedGeneration: deployment.metadata.generation,
    replicas: total,
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, wanted - ready),
    conditions: [
      condition('Available', ready >= wanted, ready >= wanted ? ['MinimumReplicasAvailable', 'Deployment has minimum availability.'] : ['MinimumReplicasUnavailable', 'Deployment does not have minimum availability.']),
      condition('Progressing', true, [isDone ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated', `ReplicaSet "${current.metadata.name}" ${isDone ? 'has successfully progressed' : 'is progressing'}.`]),
    ],
  })
}

function replicasOf({ spec }: PodController): number {
  return spec.replicas ?? 0
}

function countOf({ status }: PodController, name: string): number {
  return Number(status?.[name] ?? 0)
}

function sum(list: readonly PodController[], count: (controller: PodController) => number): number {
  return list.reduce((total, controller) => total + count(controller), 0)
}

function share(count: number | string, total: number, round: (value: number) => number): number {
  return typeof count === 'number' ? count : round((Number.parseInt(count, 10) * total) / 100)
}
