import { join } from 'node:path'
import { isNotFound } from '@vpa/kube/api-error.ts'
import type { Client } from '@vpa/kube/client.ts'

/** The real control plane that hack/test.ts started for this run. */
export const kubeconfig = fromEnvironment('VPA_CONTROL_PLANE_KUBECONFIG')

/** Where it lives. */
export const controlPlaneDirectory = fromEnvironment('VPA_CONTROL_PLANE_DIR')

/** An environment in which `kubectl` is the control plane's own and speaks to it. */
export const kubectlEnvironment = {
  KUBECONFIG: kubeconfig,
  PATH: `${join(controlPlaneDirectory, 'bin')}:${process.env['PATH']}`,
}

/** Deletes what an admission controller that is gone has left: its registration and its sign of life. */
export async function forgetAdmissionController(client: Client): Promise<void> {
  const paths = [
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config',
    '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/vpa-admission-controller',
    '/api/v1/namespaces/kube-system/secrets/vpa-tls-certs',
  ]
  await deleteAll(client, paths)
}

/** Deletes what is there of these. */
export async function deleteAll(client: Client, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await client.request({ method: 'DELETE', path }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
}

function fromEnvironment(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set; these tests are run by npm test, which starts a control plane`)
  return value
}
