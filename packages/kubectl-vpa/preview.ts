import { access } from 'node:fs/promises'
import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import { amountIn } from '@vpa/core/advise/container-advice.ts'
import { type Basis, wouldBeVpa } from '@vpa/core/advise/would-be-vpa.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { UpdateMode } from '@vpa/core/api/update-mode.ts'
import { type Vpa, projectVpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import { matchesSelector } from '@vpa/core/selector.ts'
import { VpaIndex } from '@vpa/core/target/match.ts'
import type { Workload, WorkloadLookup } from '@vpa/core/target/workload.ts'
import { readManifest } from '@vpa/kube/manifest.ts'
import { type FullSnapshot, readFullSnapshot } from '@vpa/kube/snapshot.ts'
import { WORKLOAD_RESOURCES, projectWorkload } from '@vpa/kube/workloads.ts'
import { admissionProblem } from './admission-health.ts'
import { printDocument } from './document.ts'
import { podsText } from './explanation-text.ts'
import { type RawManifest, readManifests } from './manifest-file.ts'
import { type NewPodPreview, inMode, newPodOf, previewOf } from './new-pod.ts'
import { paletteOf } from './palette.ts'
import { EXIT, type ExitCode, Problem } from './problem.ts'
import { type ClusterFlags, type Session, withCluster } from './session.ts'
import { type Subject, subjectOf } from './subject.ts'
import type { Terminal } from './terminal.ts'
import { textTable } from './text-table.ts'
import { amountText } from '@vpa/core/advise/words.ts'
import { refText, wellKnown, workloadNamed } from './workload-reference.ts'

export interface PreviewFlags extends ClusterFlags {
  readonly output: 'text' | 'json' | 'yaml'
  readonly systemNamespace: string
  readonly mode?: UpdateMode
}

/** A workload as it is meant to be, and the VPA that it has or might have. */
interface Previewed {
  readonly workload: Workload
  readonly pod: Pod
  readonly vpa: Vpa
  /** undefined: the VPA's own recommendation. */
  readonly basis: Basis | undefined
  readonly newPod: NewPodPreview
  readonly forecast: Subject['forecast']
}

/** `kubectl vpa preview <workload|file>`: what the admission controller and the updater would do, without doing it. */
export function preview(terminal: Terminal, what: string, flags: PreviewFlags): Promise<ExitCode> {
  if (flags.allNamespaces) throw new Problem('preview is about one workload: name its namespace with -n instead of -A', EXIT.usage)
  return withCluster(terminal, flags, async (session) => {
    const isFile = what === '-' || (await access(what).then(() => true, () => false))
    const manifests = isFile ? await readManifests(what) : undefined
    const snapshot = await readFullSnapshot(session)
    const problem = await admissionProblem(session, flags.systemNamespace)
    const chosen = manifests ?? [await manifestOf(session, workloadNamed(what, snapshot, session))]
    const previews = await Promise.all(subjectsIn(chosen).map((manifest) => previewed(manifest, { session, snapshot, problem, flags, vpasInFile: vpasIn(chosen, snapshot, session) })))
    if (previews.length === 0) throw new Problem(`${what}: there is neither a workload nor a VerticalPodAutoscaler in it`)
    if (flags.output !== 'text') printDocument(terminal, flags.output, previews.map(documentOf))
    else terminal.out(previews.map((each) => textOf(each, terminal)).join('\n'))
    if (problem !== undefined) session.missing(problem)
    return EXIT.done
  })
}

/** Workloads; and VPAs whose target is not beside them. */
function subjectsIn(manifests: readonly RawManifest[]): readonly RawManifest[] {
  const workloads = manifests.filter(({ kind }) => wellKnown(kind) !== undefined)
  const targets = manifests.filter((manifest) => manifest.kind === 'VerticalPodAutoscaler' && !workloads.some(({ kind, metadata }) => isTarget(projectVpa(manifest), kind, metadata.name)))
  return [...workloads, ...targets]
}

function isTarget({ spec: { targetRef } }: Vpa, kind: string, name: string): boolean {
  return targetRef?.kind === kind && targetRef.name === name
}

/** As if they were applied: with the recommendation that the cluster has for the VPA of that name. */
function vpasIn(manifests: readonly RawManifest[], { vpas }: FullSnapshot, { home }: Session): readonly Vpa[] {
  return manifests.filter(({ kind }) => kind === 'VerticalPodAutoscaler').map((manifest) => {
    const vpa = projectVpa(manifest)
    const namespace = vpa.namespace || home
    const known = vpas.find((other) => other.namespace === namespace && other.name === vpa.name)
    return { ...vpa, namespace, uid: known?.uid ?? '', createdAt: known?.createdAt, status: known?.status ?? vpa.status }
  })
}

async function manifestOf({ client, home }: Session, { kind, name }: Pick<Workload, 'kind' | 'name'>): Promise<RawManifest> {
  const known = wellKnown(kind)
  if (known === undefined) throw new Problem(`a preview needs a pod template, which is not known of kind ${kind}`)
  const manifest = await readManifest(client, WORKLOAD_RESOURCES[known], { namespace: home, name })
  if (manifest === undefined) throw new Problem(`${kind} ${home}/${name} does not exist`)
  return manifest as RawManifest
}

interface PreviewContext {
  readonly session: Session
  readonly snapshot: FullSnapshot
  readonly problem: string | undefined
  readonly flags: PreviewFlags
  readonly vpasInFile: readonly Vpa[]
}

async function previewed(subject: RawManifest, context: PreviewContext): Promise<Previewed> {
  const { session, snapshot, problem, flags, vpasInFile } = context
  const targetRef = subject.kind === 'VerticalPodAutoscaler' ? projectVpa(subject).spec.targetRef : undefined
  const manifest = targetRef ? await manifestOf(session, targetRef) : subject
  const kind = wellKnown(manifest.kind)
  if (kind === undefined) throw new Problem(`${refText({ kind: manifest.kind, name: manifest.metadata.name })}: not a kind of workload that has a pod template`)
  const namespace = manifest.metadata.namespace ?? session.home
  const workload: Workload = { ...projectWorkload(kind, manifest), namespace }
  const pod = newPodOf({ ...manifest, metadata: { ...manifest.metadata, namespace } }, namespace)
  const lookup: WorkloadLookup = (where, ref) => (where === namespace && ref.kind === kind && ref.name === workload.name ? { found: workload } : snapshot.workload(where, ref))
  const existing = new VpaIndex([...snapshot.vpas.filter((vpa) => !vpasInFile.some((other) => other.name === vpa.name && other.namespace === vpa.namespace)), ...vpasInFile]).controllingVpa(pod, lookup)
  const { vpa, basis } = recommendedTo(workload, pod, existing, context)
  const applied = flags.mode === undefined ? vpa : inMode(vpa, flags.mode)
  const { limits, forecast } = subjectOf(applied, { ...snapshot, workload: lookup }, problem, session.clock.now())
  return { workload, pod, vpa: applied, basis, forecast, newPod: previewOf({ vpa: applied, pod, ...limits }) }
}

/** The VPA's own recommendation where it has one; otherwise what it would be by history or present usage. */
function recommendedTo(workload: Workload, pod: Pod, existing: Vpa | undefined, { snapshot, session, flags }: PreviewContext): { vpa: Vpa; basis: Basis | undefined } {
  if ((existing?.status.recommendation?.containerRecommendations ?? []).length > 0) return { vpa: existing as Vpa, basis: undefined }
  const { selector } = workload
  const pods = new Set(snapshot.pods.filter(({ namespace, labels }) => namespace === workload.namespace && selector !== undefined && matchesSelector(selector, labels)).map(({ name }) => name))
  const usage = (snapshot.usage ?? []).filter(({ namespace, podName }) => namespace === workload.namespace && pods.has(podName))
  const containers = pod.containers.map(({ name }) => name)
  const wouldBe = wouldBeVpa({ workload, containers, mode: flags.mode ?? 'Recreate', checkpoints: snapshot.checkpoints, usage, now: session.clock.now() })
  if (wouldBe === undefined) throw new Problem(`${refText(workload)} has no recommendation, no history and no pods whose usage is known: there is nothing to preview`)
  return existing === undefined ? wouldBe : { vpa: { ...existing, status: wouldBe.vpa.status }, basis: wouldBe.basis }
}

function documentOf({ workload, vpa, basis, newPod, forecast }: Previewed): object {
  return {
    workload: { kind: workload.kind, namespace: workload.namespace, name: workload.name },
    vpa: vpa.name,
    mode: updateModeOf(vpa),
    basis: basis ?? 'recommendation',
    patch: newPod.patch,
    pods: forecast.map(({ pod, ...next }) => ({ pod: pod.name, ...next })),
  }
}

const BASES: Readonly<Record<Basis, string>> = {
  history: 'It has no recommendation: these numbers are by the history in its checkpoints, as the default flags would have it.',
  'present-usage': 'It has no recommendation and no history: these numbers are by what its pods use at this moment, and will change.',
}

function textOf(previewed: Previewed, terminal: Terminal): string {
  const { workload, vpa, basis, pod, newPod } = previewed
  const palette = paletteOf(terminal)
  const isNew = vpa.uid === ''
  const head = `${palette.bold(`${workload.namespace}/${refText(workload)}`)} ${isNew ? 'with a VPA' : `with VPA ${vpa.name}`} in mode ${updateModeOf(vpa)}\n${basis ? `${palette.severity('warning', BASES[basis])}\n` : ''}`
  const title = `${palette.bold('A new pod, by the admission controller')}\n`
  const body = newPod.resources.length === 0 ? '  is left as it is: mode Off only recommends (--mode shows another one)\n' : newPodTable(pod, newPod)
  return [head, title + body, podsText(previewed, palette)].filter(Boolean).join('\n')
}

function newPodTable(pod: Pod, { resources }: NewPodPreview): string {
  const rows = pod.containers.map((container, index) => ({ container, after: resources[index] }))
  const change = (resource: Resource, list: 'requests' | 'limits') => ({ container, after }: (typeof rows)[number]) => {
    const [now, next] = [amountIn(container[list], resource), amountIn(after?.[list], resource)]
    return next === undefined || next === now ? amountText(resource, now) : `${amountText(resource, now)} -> ${amountText(resource, next)}`
  }
  const columns = RESOURCES.flatMap((resource) => [{ title: `${resource === 'cpu' ? 'CPU' : 'MEM'} REQUEST`, cell: change(resource, 'requests') }, { title: 'LIMIT', cell: change(resource, 'limits') }])
  const table = textTable([{ title: 'CONTAINER', cell: ({ container }) => container.name }, ...columns, { title: 'NOTES', cell: ({ after }) => after?.notes.join(', ') ?? '' }], rows)
  return table.replaceAll(/^(?=.)/gm, '  ')
}
