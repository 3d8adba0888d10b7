import { CONTAINER, DEPLOYMENT, LABELS, NAMESPACE, VPA } from './demo-cluster.ts'

/** What the user of the story applies. */
export const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }

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
        // The old pod leaves at once, so that the story does not wait for it.
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: CONTAINER, image: 'kong:3.9', resources: { requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '200m', memory: '300Mi' } } },
        ],
      },
    },
  },
}

export const vpa = {
  apiVersion: 'autoscaling.k8s.io/v1',
  kind: 'VerticalPodAutoscaler',
  metadata: { name: VPA, namespace: NAMESPACE },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: DEPLOYMENT },
    updatePolicy: { updateMode: 'Auto', minReplicas: 1 },
    resourcePolicy: { containerPolicies: [{ containerName: CONTAINER, minAllowed: { cpu: '200m', memory: '300Mi' }, maxAllowed: { cpu: '2', memory: '2Gi' } }] },
  },
}
