import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import { ASSUMED_HALF_LIVES, ASSUMED_RECOMMENDER } from '@vpa/core/advise/assumption.ts'
import { type ContainerAdvice, adviceFor } from '@vpa/core/advise/container-advice.ts'
import { type Derivation, derivationOf } from '@vpa/core/advise/derivation.ts'
import { DEFAULT_PRICES } from '@vpa/core/advise/price.ts'
import type { Checkpoint } from '@vpa/core/api/checkpoint.ts'
import type { ContainerRecommendation } from '@vpa/core/api/vpa.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import { loadCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { capToPod } from '@vpa/core/policy/cap-to-pod.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import { type EventAbout, readEventsAbout } from '@vpa/kube/events-about.ts'
import { type FullSnapshot, readFullSnapshot } from '@vpa/kube/snapshot.ts'
import { admissionProblem } from './admission-health.ts'
import { printDocument } from './document.ts'
import { explanationText } from './explanation-text.ts'
import { named } from './get.ts'
import { EXIT, type ExitCode, Problem } from './problem.ts'
import { type ClusterFlags, type Session, withCluster } from './session.ts'
import { type Subject, subjectOf } from './subject.ts'
import type { Terminal } from './terminal.ts'

export interface ExplainFlags extends ClusterFlags {
  readonly output: 'text' | 'json' | 'yaml'
  readonly systemNamespace: string
}

export interface ContainerExplanation {
  readonly container: string
  readonly advice: ContainerAdvice
  /** undefined without a recommendation, or without a checkpoint to derive it from. */
  readonly derivation: { readonly [R in Resource]?: Derivation }
  readonly checkpoint: Checkpoint | undefined
  readonly history: Aggregate | undefined
  /** What becomes of the target on its way to a pod: `cpu capped to fit Max in container LimitRange`. */
  readonly notes: readonly string[]
}

export interface VpaExplanation extends Pick<Subject, 'vpa' | 'pods' | 'forecast' | 'hindrances'> {
  readonly containers: readonly ContainerExplanation[]
  readonly events: readonly EventAbout[]
}

/** `kubectl vpa explain <vpa>`: why this number, why pods were or were not updated, and what is in the way. */
export function explain(terminal: Terminal, name: string, flags: ExplainFlags): Promise<ExitCode> {
  if (flags.allNamespaces) throw new Problem('explain is about one VPA: name its namespace with -n instead of -A', EXIT.usage)
  return withCluster(terminal, flags, async (session) => {
    const snapshot = await readFullSnapshot(session)
    const explanation = await explanationOf(named(snapshot, name, session).name, snapshot, session, flags.systemNamespace)
    if (flags.output === 'text') terminal.out(explanationText(explanation, terminal))
    else printDocument(terminal, flags.output, explanationDocument(explanation))
    return EXIT.done
  })
}

async function explanationOf(name: string, snapshot: FullSnapshot, session: Session, systemNamespace: string): Promise<VpaExplanation> {
  const vpa = named(snapshot, name, session)
  const [problem, events] = await Promise.all([
    admissionProblem(session, systemNamespace),
    readEventsAbout(session.client, { kind: 'VerticalPodAutoscaler', ...vpa }).catch((error: unknown) => {
      session.missing(`events cannot be read: ${messageOf(error)}`)
      return []
    }),
  ])
  const subject = subjectOf(vpa, snapshot, problem, session.clock.now())
  const podNames = new Set(subject.pods.map((pod) => pod.name))
  const usage = (snapshot.usage ?? []).filter(({ namespace, podName }) => namespace === vpa.namespace && podNames.has(podName))
  const advice = adviceFor(vpa, subject.pods, usage, DEFAULT_PRICES)
  return { ...subject, events, containers: advice.map((each) => containerExplanation(each, advice.length, subject, snapshot.checkpoints)) }
}

function containerExplanation(advice: ContainerAdvice, containerCount: number, { vpa, pods, limits }: Subject, checkpoints: readonly Checkpoint[]): ContainerExplanation {
  const { container } = advice
  const checkpoint = checkpoints.find(({ namespace, vpaName, containerName }) => namespace === vpa.namespace && vpaName === vpa.name && containerName === container)
  const history = checkpoint && readableHistory(checkpoint)
  const recommended = vpa.status.recommendation?.containerRecommendations?.find(({ containerName }) => containerName === container)
  const [pod] = pods
  return {
    container,
    advice,
    checkpoint,
    history,
    derivation: history && recommended ? derivations(history, recommended, { vpa, containerCount }) : {},
    notes: (pod && capToPod({ vpa, pod, ...limits })?.notes.get(container)) ?? [],
  }
}

function derivations(usage: Aggregate, recommended: ContainerRecommendation, { vpa, containerCount }: { vpa: Subject['vpa']; containerCount: number }): ContainerExplanation['derivation'] {
  const policies = vpa.spec.resourcePolicy?.containerPolicies
  const known = RESOURCES.filter((resource) => recommended.target?.[resource] !== undefined)
  return Object.fromEntries(known.map((resource) => [resource, derivationOf(resource, { usage, containerCount, policies, recommended, options: ASSUMED_RECOMMENDER })]))
}

/** A checkpoint that makes no sense is as good as none, as for the recommender. */
function readableHistory({ status }: Checkpoint): Aggregate | undefined {
  try {
    return loadCheckpoint(status, ASSUMED_HALF_LIVES)
  } catch {
    return undefined
  }
}

function explanationDocument({ vpa, containers, forecast, hindrances, events }: VpaExplanation): object {
  return {
    units: { cpu: 'millicores', memory: 'bytes' },
    namespace: vpa.namespace,
    vpa: vpa.name,
    containers: containers.map(({ container, advice, derivation, history, notes }) => ({ container, resources: advice.resources, oomKills: advice.oomKills, derivation, samples: history?.span, notes })),
    pods: forecast.map(({ pod, ...next }) => ({ pod: pod.name, ...next })),
    hindrances,
    events,
  }
}
