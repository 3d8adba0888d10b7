#!/usr/bin/env bash
# Installs the Vertical Pod Autoscaler into the cluster of the current kubectl context, or brings an installation up to date.
#
#   hack/vpa-up.sh [--no-wait] [admission-controller|updater|recommender]
#
#   --no-wait        does not wait until the programs run, for clusters whose nodes cannot run the image
#   ROLLOUT_TIMEOUT  seconds to wait for that                            (120)
#   NAMESPACE, REGISTRY, TAG, FEATURE_GATES  as in hack/vpa-process-yamls.sh
#
# Running it again changes nothing.
set -euo pipefail

hack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
namespace=${NAMESPACE:-kube-system}
timeout_seconds=${ROLLOUT_TIMEOUT:-120}

# fail WHAT [LINE...]
fail() {
  echo "error: $1" >&2
  shift
  (($# == 0)) || printf '       %s\n' "$@" >&2
  exit 1
}

# Why the pods of a Deployment do not run: what the conditions, the waiting containers and the last exit say.
explain() {
  # The variables are the template's.
  # shellcheck disable=SC2016
  kubectl get deployment,pods -n "$namespace" -l "app=$1" -o go-template='
    {{- range .items}}{{$name := printf "%s %s" .kind .metadata.name}}
    {{- range .status.conditions}}{{if and .message (or (eq .status "False") (eq .type "ReplicaFailure"))}}
  {{$name}}: {{.message}}{{end}}{{end}}
    {{- range .status.containerStatuses}}
    {{- with .state.waiting}}
  {{$name}} is waiting: {{.reason}}{{with .message}}: {{.}}{{end}}{{end}}
    {{- with .lastState.terminated}}
  {{$name}} exited before: {{.reason}}, code {{.exitCode}}{{end}}{{end}}{{end}}' >&2
  echo >&2
  kubectl logs -n "$namespace" -l "app=$1" --tail=5 --prefix 2>/dev/null | sed 's/^/  /' >&2 || true
}

wait_for_rollout() {
  local deployment remaining
  for deployment in "$@"; do
    remaining=$((timeout_seconds - SECONDS))
    # kubectl takes 0 for "no end".
    kubectl rollout status -n "$namespace" "deployment/$deployment" --timeout="$((remaining > 0 ? remaining : 1))s" && continue
    echo "error: $deployment was not running within $timeout_seconds s. Its objects say:" >&2
    explain "$deployment"
    fail "everything is installed, but $deployment does not run" \
      'if the image cannot be pulled: hack/image.sh builds it; REGISTRY and TAG say where the nodes find it' \
      'if it only takes longer: ROLLOUT_TIMEOUT is the seconds to wait; --no-wait does not wait at all'
  done
}

wait=true
arguments=()
for argument in "$@"; do
  case $argument in
    --no-wait) wait=false ;;
    -h | --help)
      sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit
      ;;
    *) arguments+=("$argument") ;;
  esac
done
[[ $timeout_seconds =~ ^[1-9][0-9]*$ ]] || fail "ROLLOUT_TIMEOUT is '$timeout_seconds'; expected seconds, such as 120"

"$hack/vpa-process-yamls.sh" apply ${arguments[@]+"${arguments[@]}"}

kubectl wait --for=condition=Established --timeout=60s \
  crd/verticalpodautoscalers.autoscaling.k8s.io crd/verticalpodautoscalercheckpoints.autoscaling.k8s.io >/dev/null ||
  fail 'the CRDs were not established within 60 s; see: kubectl describe crd verticalpodautoscalers.autoscaling.k8s.io'

if $wait; then
  SECONDS=0
  if ((${#arguments[@]})); then
    wait_for_rollout "vpa-${arguments[0]}"
  else
    wait_for_rollout vpa-recommender vpa-updater vpa-admission-controller
  fi
fi

kubectl get --raw /apis/metrics.k8s.io/v1beta1 >/dev/null 2>&1 || cat >&2 <<'TEXT'

warning: this cluster does not serve metrics.k8s.io, where the recommender reads usage.
         Install metrics-server: https://github.com/kubernetes-sigs/metrics-server
TEXT

cat <<TEXT

The Vertical Pod Autoscaler is installed in namespace $namespace.

A first VPA, for a Deployment "my-app" in the current namespace. Mode Off recommends and changes nothing:

  kubectl apply -f - <<'YAML'
  apiVersion: autoscaling.k8s.io/v1
  kind: VerticalPodAutoscaler
  metadata:
    name: my-app
  spec:
    targetRef:
      apiVersion: apps/v1
      kind: Deployment
      name: my-app
    updatePolicy:
      updateMode: "Off"
  YAML

Watch it; the first recommendation takes about a minute:

  kubectl get vpa my-app --watch
  kubectl describe vpa my-app
  kubectl logs -n $namespace deployment/vpa-recommender --follow

Every field is explained by: kubectl explain vpa.spec --recursive
To remove it all: ${NAMESPACE:+NAMESPACE=$NAMESPACE }hack/vpa-down.sh
TEXT
