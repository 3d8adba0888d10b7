#!/usr/bin/env bash
# Creates, applies, compares, prints or deletes the manifests as the environment wants them.
#
#   hack/vpa-process-yamls.sh <create|apply|diff|print|delete> [admission-controller|updater|recommender]
#
# Without a component: CRDs, RBAC and all three. With one: its ServiceAccount, Deployment and, if it has one, Service.
#
#   NAMESPACE      where everything namespaced goes                      (kube-system)
#   REGISTRY, TAG  the image is $REGISTRY/vertical-pod-autoscaler:$TAG   (localhost, dev)
#   FEATURE_GATES  such as PerVPAConfig=true; given to every program     (none)
set -euo pipefail

usage='usage: vpa-process-yamls.sh <create|apply|diff|print|delete> [admission-controller|updater|recommender]'
manifests=$(cd "$(dirname "${BASH_SOURCE[0]}")/../manifests" && pwd)
namespace=${NAMESPACE:-kube-system}

# fail WHAT [LINE...]
fail() {
  echo "error: $1" >&2
  shift
  (($# == 0)) || printf '       %s\n' "$@" >&2
  exit 1
}

# Prints the named manifests with namespace, image and feature gates put in.
process() {
  local name
  for name in "$@"; do
    echo '---'
    awk -v namespace="$namespace" -v image="${REGISTRY:-localhost}/vertical-pod-autoscaler:${TAG:-dev}" \
      -v gates="${FEATURE_GATES:-}" '
        /^ *namespace: kube-system$/ { sub(/kube-system$/, namespace) }
        /^ *image: /                 { sub(/image: .*/, "image: " image) }
                                     { print }
        /^ *args:$/ && gates != ""   { sub(/args:/, "  - --feature-gates=" gates); print }
      ' "$manifests/$name.yaml"
  done
}

# Says what is missing before kubectl fails half-way through.
check_cluster() {
  local verb=$1 kind answer other
  command -v kubectl >/dev/null || fail 'kubectl was not found; install it: https://kubernetes.io/docs/tasks/tools/'
  answer=$(kubectl get --raw /version --request-timeout=10s 2>&1) || fail \
    "no cluster answers; expected one behind the kubectl context '$(kubectl config current-context 2>/dev/null || echo none)'" \
    "kubectl says: ${answer##*$'\n'}"
  # Everything may be gone already when deleting.
  [[ $verb == delete ]] || answer=$(kubectl get namespace "$namespace" 2>&1) || fail \
    "namespace '$namespace' cannot be read; if it does not exist: kubectl create namespace $namespace" \
    "kubectl says: ${answer##*$'\n'}"
  for kind in "${kinds[@]}"; do
    kubectl auth can-i "$verb" "$kind" -n "$namespace" >/dev/null 2>&1 || fail \
      "you may not $verb $kind in this cluster; expected the rights of ClusterRole cluster-admin"
  done
  # The webhook configuration and the cluster-wide bindings exist once.
  [[ $verb == create ]] || return 0
  for other in $(kubectl get deployments --all-namespaces --field-selector metadata.name=vpa-updater \
    --output 'jsonpath={.items[*].metadata.namespace}'); do
    [[ $other == "$namespace" ]] || fail \
      "the Vertical Pod Autoscaler is in namespace '$other' already; a cluster can have one" \
      "to update it there: NAMESPACE=$other; to move it, first run NAMESPACE=$other hack/vpa-down.sh updater," \
      'and the same for recommender and admission-controller (VPA objects stay)'
  done
}

# Deletes what the programs have written themselves. They are gone by now, so none of it comes back.
delete_own_writings() {
  local component
  for component in "$@"; do
    case $component in
      recommender) delete_named lease/vpa-recommender-lease ;;
      # The program's own default, and the chart's.
      updater) delete_named lease/vpa-updater lease/vpa-updater-lease ;;
      admission-controller)
        delete_webhook
        delete_named lease/vpa-admission-controller secret/vpa-tls-certs
        ;;
    esac
  done
}

delete_named() {
  kubectl delete --ignore-not-found -n "$namespace" "$@"
}

delete_webhook() {
  kubectl delete --ignore-not-found mutatingwebhookconfiguration vpa-webhook-config
}

action=${1:-}
components=("${@:2}")
kinds=(serviceaccounts services deployments.apps poddisruptionbudgets.policy networkpolicies.networking.k8s.io)
case $#/${2:-} in
  1/)
    # Deleted in the opposite order: programs first, the kinds they work on last.
    components=(updater recommender admission-controller)
    files=(crd rbac "${components[@]}")
    [[ $action != delete ]] || files=("${components[@]}" external-metrics rbac crd)
    kinds+=(customresourcedefinitions.apiextensions.k8s.io clusterroles.rbac.authorization.k8s.io)
    ;;
  2/admission-controller | 2/updater | 2/recommender) files=("$2") ;;
  *) fail "$usage" ;;
esac

case $action in
  print) process "${files[@]}" ;;
  create | apply)
    check_cluster create
    process "${files[@]}" | kubectl "$action" -f - || fail "kubectl $action did not succeed; its words are above"
    ;;
  diff)
    check_cluster get
    # Like kubectl: 0 no difference, 1 some, more than 1 an error.
    process "${files[@]}" | kubectl diff -f -
    ;;
  delete)
    check_cluster delete
    # The webhook goes first, so that no pod's creation waits for a program that is going away.
    case " ${components[*]} " in *' admission-controller '*) delete_webhook ;; esac
    process "${files[@]}" | kubectl delete --ignore-not-found --cascade=foreground --timeout=120s -f - ||
      fail "kubectl delete did not succeed within 120 s; its words are above. Running this again goes on from here"
    delete_own_writings "${components[@]}"
    ;;
  *) fail "$usage" ;;
esac
