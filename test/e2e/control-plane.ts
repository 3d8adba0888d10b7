import { join } from 'node:path'

/** The real control plane that hack/test.ts started for this run. */
export const kubeconfig = fromEnvironment('VPA_CONTROL_PLANE_KUBECONFIG')

/** An environment in which `kubectl` is the control plane's own and speaks to it. */
export const kubectlEnvironment = {
  KUBECONFIG: kubeconfig,
  PATH: `${join(fromEnvironment('VPA_CONTROL_PLANE_DIR'), 'bin')}:${process.env['PATH']}`,
}

function fromEnvironment(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set; these tests are run by npm test, which starts a control plane`)
  return value
}
