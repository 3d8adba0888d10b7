import { isAbsolute, join } from 'node:path'
import type { Resources } from '@vpa/core/api/pod.ts'
import { type Vpa, resourceListJson } from '@vpa/core/api/vpa.ts'
import { namespaceLimits } from '@vpa/core/policy/limit-range.ts'
import { readManifest } from '@vpa/kube/manifest.ts'
import { type FullSnapshot, readFullSnapshot } from '@vpa/kube/snapshot.ts'
import { WORKLOAD_RESOURCES } from '@vpa/kube/workloads.ts'
import { createTwoFilesPatch } from 'diff'
import { yamlText } from './document.ts'
import { named } from './get.ts'
import { EditedManifests } from './edited-manifests.ts'
import { type RawManifest, textOf } from './manifest-file.ts'
import { inMode, newPodOf, previewOf } from './new-pod.ts'
import { EXIT, type ExitCode } from './problem.ts'
import { type ClusterFlags, type Session, withCluster } from './session.ts'
import type { Terminal } from './terminal.ts'
import { refText, wellKnown } from './workload-reference.ts'

export interface DiffFlags extends ClusterFlags {
  readonly filename?: readonly string[]
  readonly exitCode?: boolean
}

/** `kubectl vpa diff [vpa…] [-f file]`: what to change in manifests, so that they say what is recommended. */
export function diff(terminal: Terminal, names: readonly string[], flags: DiffFlags): Promise<ExitCode> {
  return withCluster(terminal, flags, async (session) => {
    const snapshot = await readFullSnapshot(session)
    const vpas = names.length === 0 ? snapshot.vpas : names.map((name) => named(snapshot, name, session))
    const differs = flags.filename ? await diffFiles(flags.filename, vpas, { session, snapshot }) : await diffCluster(vpas, { session, snapshot })
    return differs && flags.exitCode ? EXIT.found : EXIT.done
  })
}

interface Context {
  readonly session: Session
  readonly snapshot: FullSnapshot
}

/** Strategic merge patches, as `kubectl patch --patch-file` and kustomize take them. */
async function diffCluster(vpas: readonly Vpa[], { session, snapshot }: Context): Promise<boolean> {
  const patches = await Promise.all(vpas.map((vpa) => patchOf(vpa, { session, snapshot })))
  const found = patches.filter((patch) => patch !== undefined)
  if (found.length === 0) session.terminal.err('All manifests say what is recommended already.\n')
  session.terminal.out(found.map((patch) => yamlText(patch)).join('---\n'))
  return found.length > 0
}

async function patchOf(vpa: Vpa, { session, snapshot }: Context): Promise<object | undefined> {
  const { targetRef } = vpa.spec
  const kind = targetRef && wellKnown(targetRef.kind)
  if (targetRef === undefined || (vpa.status.recommendation?.containerRecommendations ?? []).length === 0) return undefined
  if (kind === undefined) {
    session.missing(`${vpa.namespace}/${vpa.name} is left out: where kind ${targetRef.kind} has its pod template is not known`)
    return undefined
  }
  const manifest = await readManifest(session.client, WORKLOAD_RESOURCES[kind], { namespace: vpa.namespace, name: targetRef.name })
  if (manifest === undefined) {
    session.missing(`${vpa.namespace}/${vpa.name} is left out: ${refText(targetRef)} does not exist`)
    return undefined
  }
  const containers = changedContainers(vpa, manifest, snapshot).map(({ name, resources }) => ({ name, resources }))
  if (containers.length === 0) return undefined
  const template = { template: { spec: { containers } } }
  const { apiVersion } = manifest as RawManifest
  return { apiVersion, kind, metadata: { name: targetRef.name, namespace: vpa.namespace }, spec: kind === 'CronJob' ? { jobTemplate: { spec: template } } : template }
}

export interface ChangedContainer {
  readonly name: string
  readonly index: number
  readonly resources: { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> }
}

/** Where a new pod's containers would differ from their template, if the VPA were applied. */
function changedContainers(vpa: Vpa, manifest: object, { limitRanges }: FullSnapshot): readonly ChangedContainer[] {
  const pod = newPodOf(manifest, vpa.namespace)
  const ranges = limitRanges.filter(({ namespace }) => namespace === vpa.namespace)
  const { resources } = previewOf({ vpa: inMode(vpa, 'Recreate'), pod, ...namespaceLimits(ranges) })
  return pod.containers.flatMap((container, index) => {
    const [requests, limits] = [changed(container, resources[index], 'requests'), changed(container, resources[index], 'limits')]
    return requests || limits ? [{ name: container.name, index, resources: { ...(requests && { requests }), ...(limits && { limits }) } }] : []
  })
}

function changed(now: Resources, then: Resources | undefined, list: 'requests' | 'limits'): Record<string, string> | undefined {
  const amounts = Object.entries(then?.[list] ?? {}).filter(([resource, amount]) => now[list]?.[resource]?.nanos !== amount.nanos)
  return amounts.length === 0 ? undefined : resourceListJson(Object.fromEntries(amounts))
}

/** Unified diffs, as `git apply` and `patch` take them. */
async function diffFiles(files: readonly string[], vpas: readonly Vpa[], { session, snapshot }: Context): Promise<boolean> {
  let differs = false
  for (const file of files) {
    const before = await textOf(file)
    const edited = new EditedManifests(before, file)
    for (const { manifest, setResources } of edited.workloads()) {
      const namespace = manifest.metadata.namespace ?? session.home
      const vpa = vpas.find(({ namespace: where, spec: { targetRef } }) => where === namespace && targetRef?.kind === manifest.kind && targetRef.name === manifest.metadata.name)
      if (vpa === undefined) session.missing(`${file}: ${refText({ kind: manifest.kind, name: manifest.metadata.name })} has no VPA in namespace ${namespace}`)
      else setResources(changedContainers(vpa, manifest, snapshot))
    }
    if (edited.text === before) continue
    differs = true
    session.terminal.out(createTwoFilesPatch(isAbsolute(file) ? file : join('a', file), isAbsolute(file) ? file : join('b', file), before, edited.text, undefined, undefined, { headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true } }))
  }
  if (!differs) session.terminal.err('These manifests say what is recommended already.\n')
  return differs
}
