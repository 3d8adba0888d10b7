/** The updater's reasons in words that follow a colon; what is not among them speaks for itself. */
const REASONS: Readonly<Record<string, string>> = {
  'outside-range': 'a request is missing, or outside of the recommended range',
  'quick-oom': 'a container ran out of memory soon after its start',
  'old-and-different': 'it is old enough, and its requests differ enough from the target',
  'not-started': 'it has not started yet',
  'short-lived': 'it is within its range, and too young to be disturbed for less',
  'little-difference': 'its requests hardly differ from the target',
  'oom-but-nothing-to-change': 'a container ran out of memory, but has what is recommended already',
  'oom-not-known-yet': 'a container ran out of memory, and less than it had is recommended so far',
  'group-too-small': 'their group has fewer pods than minReplicas asks for',
  'unknown-replicas': 'it is not known how many pods their controller wants',
  'no-controller': 'it has no controller that would replace it',
  'budget-spent': 'too many pods of their group are missing already for what the eviction tolerance allows',
  'eviction-requirements': 'evictionRequirements do not allow the change',
  blocked: 'a PodDisruptionBudget does not allow to evict any of them now',
  rejected: 'the API server refuses it; see the log of the updater',
  'qos-class': 'the resize would change their QoS class, which only a new pod can have',
  'resize-under-way': 'a resize is under way',
  'resize-stuck': 'a resize is under way for too long',
  'asked-for-already': 'what is recommended is asked for already, and up to the kubelet',
  'nothing-recommended': 'nothing is recommended for its containers',
  'infeasible-before': 'its node could not give that much, and no less is recommended by now',
  'resize-not-served': 'the API server does not serve pods/resize, and mode InPlace does not evict',
  'breaker-open': 'evictions are stopped for all VPAs, because the pods of several came back without what is recommended',
  'apply-failed': 'a pod came back without what is recommended; see condition ApplyFailed',
  'gate-closed': 'mode InPlace needs the feature gate InPlace',
  'mode-off': 'mode Off only recommends',
  'mode-initial': 'mode Initial changes new pods only',
  'no-recommendation': 'nothing is recommended yet',
  'admission-controller-away': 'the admission controller is away, so a new pod would come back unchanged',
  leaving: 'it is being deleted',
}

export function reasonText(why: string): string {
  return REASONS[why] ?? why
}
