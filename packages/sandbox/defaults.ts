import { type Kind, DAEMON_SETS, DEPLOYMENTS, JOBS, NAMESPACES, PODS, REPLICATION_CONTROLLERS, REPLICA_SETS, SECRETS, STATEFUL_SETS, WEBHOOK_CONFIGURATIONS } from './kind.ts'
import type { Container, KubeObject, Pod, PodController, PodSpec } from './object.ts'
import { qosClassOf } from './qos.ts'

/** What the API server fills in, as far as clients of the trio see it. */
export function withDefaults(kind: Kind, object: KubeObject): KubeObject {
  switch (kind) {
    case PODS:
      return podWithDefaults(object as Pod)
    case DEPLOYMENTS: {
      const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }
      return controllerWithDefaults(object as PodController, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy })
    }
    case STATEFUL_SETS:
      return controllerWithDefaults(object as PodController, { replicas: 1, podManagementPolicy: 'OrderedReady', updateStrategy: { type: 'RollingUpdate' } })
    case REPLICA_SETS:
    case REPLICATION_CONTROLLERS:
      return controllerWithDefaults(object as PodController, { replicas: 1 })
    case DAEMON_SETS:
      return controllerWithDefaults(object as PodController, {})
    case JOBS:
      return controllerWithDefaults(object as PodController, { parallelism: 1, completions: 1 })
    case NAMESPACES: {
      const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name }
      return { ...object, metadata: { ...object.metadata, labels }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }
    }
    case SECRETS: {
      const { stringData = {}, ...secret } = object as KubeObject & { stringData?: Record<string, string> }
      const written = Object.fromEntries(Object.entries(stringData).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
      return { type: 'Opaque', ...secret, data: { ...(secret['data'] as object | undefined), ...written } }
    }
    case WEBHOOK_CONFIGURATIONS: {
      const webhooks = (object['webhooks'] ?? []) as object[]
      const defaults = { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, reinvocationPolicy: 'Never', timeoutSeconds: 10 }
      return { ...object, webhooks: webhooks.map((webhook) => ({ ...defaults, ...webhook })) }
    }
    default:
      return object
  }
}

function podWithDefaults(pod: Pod): Pod {
  const spec = podSpecWithDefaults(pod.spec)
  const containers = spec.containers.map(withRequestsFromLimits)
  return { ...pod, spec: { ...spec, containers }, status: pod.status ?? { phase: 'Pending', qosClass: qosClassOf(containers) } }
}

function podSpecWithDefaults(spec: PodSpec): PodSpec {
  const defaults = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', securityContext: {}, schedulerName: 'default-scheduler' }
  return { ...defaults, ...spec, containers: (spec?.containers ?? []).map((container) => ({ resources: {}, imagePullPolicy: 'IfNotPresent', ...container })) }
}

/** A limit without a request is the request too. */
export function withRequestsFromLimits(container: Container): Container {
  const { limits, requests } = container.resources ?? {}
  return limits ? { ...container, resources: { limits, requests: { ...limits, ...requests } } } : container
}

function controllerWithDefaults(controller: PodController, defaults: object): PodController {
  const template = { ...controller.spec.template, spec: podSpecWithDefaults(controller.spec.template.spec) }
  return { ...controller, spec: { ...defaults, ...controller.spec, template } }
}
