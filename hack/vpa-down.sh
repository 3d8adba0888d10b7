#!/usr/bin/env bash
# Removes the Vertical Pod Autoscaler from the cluster of the current kubectl context: the programs, what they have written
# themselves (webhook configuration, certificate, leases), RBAC, and the CRDs with every VPA object and checkpoint.
#
#   hack/vpa-down.sh [admission-controller|updater|recommender]
#
# With a component, that program alone goes; VPA objects stay.
#
#   NAMESPACE      as when it was installed (kube-system)
set -euo pipefail

hack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Fails quietly where there is no cluster or no CRD: the deletion below says what is wrong, or that nothing is there.
count_vpas() {
  kubectl get verticalpodautoscalers.autoscaling.k8s.io --all-namespaces --output name --request-timeout=10s 2>/dev/null |
    wc -l | tr -d ' '
}

if (($# == 0)) && vpas=$(count_vpas) && ((vpas > 0)); then
  cat >&2 <<TEXT
warning: $vpas VPA objects in this cluster are deleted too, with the history of their containers.
         A copy to restore them from: kubectl get vpa --all-namespaces --output yaml > vpas.yaml
         To keep them, remove the programs alone: hack/vpa-down.sh <admission-controller|updater|recommender>
TEXT
  if [[ -t 0 ]]; then
    echo '         Going on in 5 seconds; Ctrl-C stops.' >&2
    sleep 5
  fi
fi

"$hack/vpa-process-yamls.sh" delete "$@"

echo
echo 'Removed. Running pods keep the resources they have; to go back to those of their templates: kubectl rollout restart'
