import type { KubeObject } from './object.ts'

/** Core name, events.k8s.io name. Source: the conversion functions of k8s.io/kubernetes/pkg/apis/events. */
const NAMES = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['count', 'deprecatedCount'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['source', 'deprecatedSource'],
  ['reportingComponent', 'reportingController'],
] as const

/** An event of one API as the other shows it: both are views of one object. */
export function convertEvent(event: KubeObject, apiVersion: string): KubeObject {
  const names = new Map<string, string>(NAMES.map(([core, group]) => (apiVersion === 'v1' ? [group, core] : [core, group])))
  const members = Object.entries(event).map(([name, value]) => [names.get(name) ?? name, value])
  return { ...(Object.fromEntries(members) as KubeObject), apiVersion }
}
