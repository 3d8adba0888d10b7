import { formatSelector } from '@vpa/core/selector.ts'
import { type DurationMs, type EpochMs, DAY, HOUR, MINUTE, SECOND, parseTime } from '@vpa/core/time.ts'
import { valueAtJsonPath } from './json-path.ts'
import { DAEMON_SETS, DEPLOYMENTS, EVENTS, type Kind, NODES, PODS, REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS } from './kind.ts'
import { type KubeObject, type Pod, valueAt } from './object.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly priority?: number
  readonly cell: (object: KubeObject, now: EpochMs) => unknown
}

export interface TableOptions {
  readonly now: EpochMs
  /** None, Object, or only the metadata (null). */
  readonly includeObject: string | null
  /** Rows of a watch after the first have no column definitions. */
  readonly withoutColumns?: boolean
}

/** The meta.k8s.io/v1 Table of a list or of one object: what `kubectl get` prints. */
export function tableOf(kind: Kind, body: object, { now, includeObject, withoutColumns = false }: TableOptions): object {
  const columns = columnsOf(kind)
  const isList = 'items' in body
  const objects = (isList ? (body as { items: KubeObject[] }).items : [body]) as readonly KubeObject[]
  const rowObject = (object: KubeObject) => {
    if (includeObject === 'None') return {}
    return { object: includeObject === 'Object' ? object : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } }
  }
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: isList ? (body as { metadata?: object }).metadata : { resourceVersion: objects[0]?.metadata.resourceVersion },
    columnDefinitions: withoutColumns ? [] : columns.map(({ name, type, priority = 0 }) => ({ name, type, format: name === 'Name' ? 'name' : '', description: '', priority })),
    rows: objects.map((object) => ({ cells: columns.map(({ cell }) => cell(object, now) ?? null), ...rowObject(object) })),
  }
}

const NAME: Column = { name: 'Name', type: 'string', cell: ({ metadata }) => metadata.name }
const AGE: Column = { name: 'Age', type: 'string', cell: ({ metadata }, now) => age(metadata.creationTimestamp, now) }

function at(name: string, path: string, fallback: unknown = '<none>'): Column {
  return { name, type: typeof fallback === 'number' ? 'integer' : 'string', cell: (object) => valueAt(object, path) ?? fallback }
}

function wide(column: Column): Column {
  return { ...column, priority: 1 }
}

const CONTAINERS: readonly Column[] = [
  wide({ name: 'Containers', type: 'string', cell: (object) => templateOf(object).map(({ name }) => name).join(',') }),
  wide({ name: 'Images', type: 'string', cell: (object) => templateOf(object).map(({ image = '' }) => image).join(',') }),
  wide({ name: 'Selector', type: 'string', cell: (object) => formatSelector(valueAt(object, 'spec.selector') ?? {}) }),
]

const COLUMNS = new Map<Kind, readonly Column[]>([
  [PODS, [
    NAME,
    { name: 'Ready', type: 'string', cell: (pod) => `${statuses(pod).filter(({ ready }) => ready).length}/${(pod as Pod).spec.containers.length}` },
    { name: 'Status', type: 'string', cell: (pod) => podStatus(pod as Pod) },
    { name: 'Restarts', type: 'string', cell: (pod) => `${statuses(pod).reduce((sum, { restartCount }) => sum + restartCount, 0)}` },
    AGE,
    wide(at('IP', 'status.podIP')),
    wide(at('Node', 'spec.nodeName')),
    wide(at('Nominated Node', 'status.nominatedNodeName')),
    wide(at('Readiness Gates', 'none')),
  ]],
  [DEPLOYMENTS, [
    NAME,
    { name: 'Ready', type: 'string', cell: (object) => `${valueAt(object, 'status.readyReplicas') ?? 0}/${valueAt(object, 'spec.replicas') ?? 0}` },
    at('Up-to-date', 'status.updatedReplicas', 0),
    at('Available', 'status.availableReplicas', 0),
    AGE,
    ...CONTAINERS,
  ]],
  ...[REPLICA_SETS, REPLICATION_CONTROLLERS].map((kind): [Kind, readonly Column[]] => [
    kind,
    [NAME, at('Desired', 'spec.replicas', 0), at('Current', 'status.replicas', 0), at('Ready', 'status.readyReplicas', 0), AGE, ...CONTAINERS],
  ]),
  [STATEFUL_SETS, [NAME, { name: 'Ready', type: 'string', cell: (object) => `${valueAt(object, 'status.readyReplicas') ?? 0}/${valueAt(object, 'spec.replicas') ?? 0}` }, AGE]],
  [DAEMON_SETS, [NAME, at('Desired', 'status.desiredNumberScheduled', 0), at('Current', 'status.currentNumberScheduled', 0), at('Ready', 'status.numberReady', 0), AGE]],
  [NODES, [NAME, { name: 'Status', type: 'string', cell: () => 'Ready' }, at('Roles', 'none'), AGE, at('Version', 'status.nodeInfo.kubeletVersion')]],
  [EVENTS, [
    { name: 'Last Seen', type: 'string', cell: (event, now) => age(String(event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp), now) },
    at('Type', 'type'),
    at('Reason', 'reason'),
    { name: 'Object', type: 'string', cell: (event) => `${String(valueAt(event, 'involvedObject.kind') ?? '').toLowerCase()}/${valueAt(event, 'involvedObject.name')}` },
    at('Message', 'message'),
  ]],
])

function columnsOf(kind: Kind): readonly Column[] {
  if (kind.columns === undefined) return COLUMNS.get(kind) ?? [NAME, AGE]
  const custom = kind.columns.map(({ name, type, jsonPath, priority = 0 }): Column => ({
    name,
    type,
    priority,
    cell: (object, now) => {
      const value = valueAtJsonPath(object, jsonPath)
      return type === 'date' && typeof value === 'string' ? age(value, now) : value
    },
  }))
  return [NAME, ...custom]
}

function templateOf(object: KubeObject): readonly { name: string; image?: string }[] {
  return (valueAt(object, 'spec.template.spec.containers') ?? []) as readonly { name: string; image?: string }[]
}

function statuses(pod: KubeObject): readonly { ready: boolean; restartCount: number }[] {
  return (pod as Pod).status.containerStatuses ?? []
}

function podStatus({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp) return 'Terminating'
  const states = (status.containerStatuses ?? []).map(({ state }) => state)
  const troubled = states.map(({ waiting, terminated }) => waiting?.reason ?? terminated?.reason).find(Boolean)
  return troubled ?? status.phase
}

function age(time: string, now: EpochMs): string {
  const moment = parseTime(time)
  return moment === undefined ? '<unknown>' : humanDuration(Math.max(0, now - moment))
}

/** `45s`, `3m7s`, `12m`, `5h3m`, `2d`: two units while the first is small. Source: duration.HumanDuration. */
export function humanDuration(duration: DurationMs): string {
  if (duration < 2 * MINUTE) return `${Math.floor(duration / SECOND)}s`
  if (duration < 10 * MINUTE) return twoUnits(duration, MINUTE, ['m', SECOND, 's'])
  if (duration < 3 * HOUR) return `${Math.floor(duration / MINUTE)}m`
  if (duration < 8 * HOUR) return twoUnits(duration, HOUR, ['h', MINUTE, 'm'])
  if (duration < 2 * DAY) return `${Math.floor(duration / HOUR)}h`
  if (duration < 8 * DAY) return twoUnits(duration, DAY, ['d', HOUR, 'h'])
  return duration < 730 * DAY ? `${Math.floor(duration / DAY)}d` : twoUnits(duration, 365 * DAY, ['y', DAY, 'd'])
}

function twoUnits(duration: DurationMs, unit: DurationMs, [name, lesser, lesserName]: readonly [string, DurationMs, string]): string {
  const rest = Math.floor((duration % unit) / lesser)
  return `${Math.floor(duration / unit)}${name}${rest > 0 ? `${rest}${lesserName}` : ''}`
}
