import { DAEMON_SETS, JOBS, type Kind, NODES, PODS, REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS } from './kind.ts'
import { templateHash } from './names.ts'
import type { Pod, PodController } from './object.ts'
import { type World, activePodsOf, createPod, isReady, podsOf, recordEvent, setStatus } from './world.ts'

/** Keeps as many pods as each controller wants. CronJobs are stored, but nothing runs by schedule. */
export async function runReplicas(world: World): Promise<void> {
  for (const kind of [REPLICA_SETS, REPLICATION_CONTROLLERS]) for (const controller of controllers(world, kind)) await keepReplicas(world, kind, controller)
  for (const statefulSet of controllers(world, STATEFUL_SETS)) await keepStatefulSet(world, statefulSet)
  for (const daemonSet of controllers(world, DAEMON_SETS)) await keepDaemonSet(world, daemonSet)
  for (const job of controllers(world, JOBS)) await keepJob(world, job)
}

function controllers({ storage }: World, kind: Kind): readonly PodController[] {
  return storage.list(kind) as readonly PodController[]
}

async function keepReplicas(world: World, kind: Kind, controller: PodController): Promise<void> {
  const wanted = controller.spec.replicas ?? 1
  const active = activePodsOf(world, controller)
  for (let count = active.length; count < wanted; count += 1) await createPod(world, controller)
  for (const pod of active.toSorted((a, b) => Number(isReady(a)) - Number(isReady(b))).slice(0, Math.max(0, active.length - wanted))) remove(world, pod)
  const pods = activePodsOf(world, controller)
  const ready = pods.filter(isReady).length
  setStatus(world, kind, controller, { replicas: pods.length, fullyLabeledReplicas: pods.length, readyReplicas: ready, availableReplicas: ready, observedGeneration: controller.metadata.generation })
}

/** Pods by number, one after the other; a changed template replaces the highest first. */
async function keepStatefulSet(world: World, statefulSet: PodController): Promise<void> {
  const wanted = statefulSet.spec.replicas ?? 1
  const revision = `${statefulSet.metadata.name}-${templateHash(statefulSet.spec.template)}`
  const pods = podsOf(world, statefulSet)
  const named = (ordinal: number) => pods.find(({ metadata }) => metadata.name === `${statefulSet.metadata.name}-${ordinal}`)
  const ordinals = Array.from({ length: wanted }, (_, ordinal) => ordinal)
  const isCurrent = (pod: Pod) => pod.metadata.labels?.['controller-revision-hash'] === revision
  const waitedFor = ordinals.find((ordinal) => !isLive(named(ordinal)))
  if (waitedFor !== undefined) {
    const name = `${statefulSet.metadata.name}-${waitedFor}`
    if (named(waitedFor) === undefined) await createPod(world, statefulSet, { name, labels: { 'controller-revision-hash': revision, 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': `${waitedFor}` } })
  } else {
    const surplus = pods.filter(({ metadata }) => !ordinals.some((ordinal) => metadata.name === `${statefulSet.metadata.name}-${ordinal}`))
    const outdated = ordinals.map(named).findLast((pod) => pod !== undefined && !isCurrent(pod))
    for (const pod of [...surplus, ...(outdated ? [outdated] : [])]) remove(world, pod)
  }
  const active = activePodsOf(world, statefulSet)
  const ready = active.filter(isReady).length
  setStatus(world, STATEFUL_SETS, statefulSet, {
    replicas: active.length,
    readyReplicas: ready,
    availableReplicas: ready,
    updatedReplicas: active.filter(isCurrent).length,
    updateRevision: revision,
    observedGeneration: statefulSet.metadata.generation,
  })
}

function isLive(pod: Pod | undefined): boolean {
  return pod !== undefined && pod.metadata.deletionTimestamp === undefined && isReady(pod)
}

/** One pod on each node, tied to it by its name. */
async function keepDaemonSet(world: World, daemonSet: PodController): Promise<void> {
  const nodes = world.storage.list(NODES).map(({ metadata }) => metadata.name)
  for (const nodeName of nodes) {
    if (activePodsOf(world, daemonSet).some(({ spec }) => spec.nodeName === nodeName)) continue
    const template = { ...daemonSet.spec.template, spec: { ...daemonSet.spec.template.spec, nodeName } }
    await createPod(world, { ...daemonSet, spec: { ...daemonSet.spec, template } })
  }
  const pods = activePodsOf(world, daemonSet)
  const ready = pods.filter(isReady).length
  setStatus(world, DAEMON_SETS, daemonSet, {
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: nodes.length,
    numberReady: ready,
    numberAvailable: ready,
    numberMisscheduled: 0,
    updatedNumberScheduled: pods.length,
    observedGeneration: daemonSet.metadata.generation,
  })
}

async function keepJob(world: World, job: PodController): Promise<void> {
  const { completions = 1, parallelism = 1 } = job.spec
  const succeeded = podsOf(world, job).filter(({ status }) => status.phase === 'Succeeded').length
  const wanted = Math.min(parallelism, completions - succeeded)
  for (let count = activePodsOf(world, job).length; count < wanted; count += 1) await createPod(world, job, { labels: { 'batch.kubernetes.io/job-name': job.metadata.name, 'job-name': job.metadata.name } })
  const conditions = succeeded >= completions ? [{ type: 'Complete', status: 'True' }] : []
  setStatus(world, JOBS, job, { active: activePodsOf(world, job).length, succeeded, conditions })
}

function remove(world: World, pod: Pod): void {
  if (pod.metadata.deletionTimestamp !== undefined) return
  world.api.delete(PODS, { namespace: pod.metadata.namespace, name: pod.metadata.name })
  recordEvent(world, pod, { reason: 'Killing', message: 'Stopping container', from: 'kubelet' })
}
