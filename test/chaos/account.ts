import type { ChaosCluster, KubeObject } from './chaos-cluster.ts'
import type { KeptProgram } from './kept-program.ts'
import { NAMESPACE, PROBE, millicoresOf, vpa as vpaOf } from './workloads.ts'

/** Characters of what is told of each object. */
const LONGEST = 4000

/** How things stand, in short, for the message of a failure: the pods, the VPA, the webhook's lease, and what each program has told. */
export async function accountOf(cluster: ChaosCluster, programs: readonly KeptProgram[]): Promise<string> {
  const vpa = cluster.get(vpaOf(PROBE))
  const lease = cluster.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'kube-system', name: 'vpa-admission-controller' } })
  return [
    `now: ${new Date().toISOString()}`,
    `pods: ${await told(cluster.pods(NAMESPACE).then((pods) => pods.map(podLine)))}`,
    `VPA: ${await told(vpa.then((found) => found && { spec: found.spec, status: found.status }))}`,
    `lease of the admission controller: ${await told(lease.then((found) => found?.spec))}`,
    ...programs.map((program) => program.account()),
  ].join('\n')
}

async function told(reading: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await reading)?.slice(0, LONGEST) ?? 'missing'
  } catch (error) {
    return String(error)
  }
}

function podLine(pod: KubeObject): string {
  const { name, uid, deletionTimestamp, annotations } = pod.metadata
  const { phase = 'no phase' } = (pod.status ?? {}) as { phase?: string }
  return `${name} ${uid.slice(0, 8)} ${millicoresOf(pod)}m ${deletionTimestamp === undefined ? phase : 'deleting'} ${annotations?.['vpaUpdates'] ?? 'not seen by the webhook'}`
}
