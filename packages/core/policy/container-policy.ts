import type { ContainerPolicy } from '../api/vpa.ts'

type ControlledValues = 'RequestsAndLimits' | 'RequestsOnly'

/** Resources that a VPA scales where its policy names none. */
const ALL_RESOURCES: readonly string[] = ['cpu', 'memory']

/**
 * The policy of one container: the first entry of that name, otherwise the last one named `*`
 * (upstream: GetContainerResourcePolicy).
 */
export function policyFor(policies: readonly ContainerPolicy[] | undefined, containerName: string): ContainerPolicy | undefined {
  return policies?.find((policy) => policy.containerName === containerName) ?? policies?.findLast((policy) => policy.containerName === '*')
}

/** `Off`: no recommendation is made for the container and nothing is done to it. */
export function scalingModeOf(policy: ContainerPolicy | undefined): 'Auto' | 'Off' {
  return policy?.mode === 'Off' ? 'Off' : 'Auto'
}

/** An empty list in the policy is kept: such a container gets a recommendation without amounts. */
export function controlledResourcesOf(policy: ContainerPolicy | undefined): readonly string[] {
  return policy?.controlledResources ?? ALL_RESOURCES
}

export function controlledValuesOf(policy: ContainerPolicy | undefined): ControlledValues {
  return policy?.controlledValues === 'RequestsOnly' ? 'RequestsOnly' : 'RequestsAndLimits'
}
