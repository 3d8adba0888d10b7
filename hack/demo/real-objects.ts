import { readFile } from 'node:fs/promises'
import { CONTAINER, DEPLOYMENT, LABELS, NAMESPACE, VPA } from './demo-cluster.ts'

export const CLIENTS = 'clients'

/** Requests a second that the clients would like answered (hack/demo/workload/clients.ts). */
export const OFFERED_PER_SECOND = 100

/** Our own image has all that the workload needs, which is Node; its programs come from a ConfigMap. */
const IMAGE = 'localhost/vertical-pod-autoscaler:dev'
const PROGRAMS = 'workload'

export const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }

export async function programs() {
  const data = { 'proxy.ts': await sourceOf('proxy.ts'), 'clients.ts': await sourceOf('clients.ts') }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: PROGRAMS, namespace: NAMESPACE }, data }
}

function sourceOf(program: string): Promise<string> {
  return readFile(new URL(`workload/${program}`, import.meta.url), 'utf8')
}

export const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: DEPLOYMENT, namespace: NAMESPACE, labels: LABELS },
  spec: {
    replicas: 1,
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          containerOf(CONTAINER, 'proxy.ts', { requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '200m', memory: '300Mi' } }),
          containerOf(CLIENTS, 'clients.ts', { requests: { cpu: '100m', memory: '100Mi' } }),
        ],
        volumes: [{ name: PROGRAMS, configMap: { name: PROGRAMS } }],
      },
    },
  },
}

function containerOf(name: string, program: string, resources: object) {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command: ['node', `/workload/${program}`], resources, volumeMounts: [{ name: PROGRAMS, mountPath: '/workload' }] }
}

export const vpa = {
  apiVersion: 'autoscaling.k8s.io/v1',
  kind: 'VerticalPodAutoscaler',
  metadata: { name: VPA, namespace: NAMESPACE },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: DEPLOYMENT },
    updatePolicy: { updateMode: 'InPlaceOrRecreate', minReplicas: 1 },
    resourcePolicy: {
      containerPolicies: [
        { containerName: CONTAINER, minAllowed: { cpu: '350m', memory: '200Mi' }, maxAllowed: { cpu: '1', memory: '1Gi' } },
        { containerName: CLIENTS, mode: 'Off' },
      ],
    },
  },
}
