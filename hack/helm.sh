#!/usr/bin/env bash
# Finds Helm for the tests of the chart, and prints where it is: the one on the PATH if it is Helm 3 or newer; otherwise the
# one at the version in hack/helm/go.mod, compiled into ${XDG_CACHE_HOME:-~/.cache}/vpa-control-plane/helm-VERSION.
# That takes about two minutes on two cores, once.
#
# Exit codes: 1 something failed, 3 not available here: there is none and it cannot be compiled.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=control-plane/report.sh
source "$here/control-plane/report.sh"

# The Kubernetes that Helm takes charts to be for where it asks no cluster; without it, it takes 1.20.
linker_flags() {
  local minor name flags=()
  minor=$(sed -n 's|^[[:space:]]*k8s.io/client-go v0\.\([0-9]*\)\..*|\1|p' "$here/helm/go.mod")
  for name in pkg/chartutil pkg/lint/rules; do
    flags+=("-X helm.sh/helm/v3/$name.k8sVersionMajor=1 -X helm.sh/helm/v3/$name.k8sVersionMinor=$minor")
  done
  echo "-s -w -X helm.sh/helm/v3/internal/version.version=$version ${flags[*]}"
}

package=helm.sh/helm/v3/cmd/helm
version=$(sed -n 's|^[[:space:]]*helm.sh/helm/v3 \(v[0-9.]*\).*|\1|p' "$here/helm/go.mod")
built=${XDG_CACHE_HOME:-$HOME/.cache}/vpa-control-plane/helm-$version

if on_path=$(command -v helm) && [[ $(helm version --template '{{.Version}}' 2>/dev/null) =~ ^v([3-9]|[1-9][0-9]) ]]; then
  echo "$on_path"
  exit
fi
if [[ -x $built/helm ]]; then
  echo "$built/helm"
  exit
fi

command -v go >/dev/null ||
  unavailable "no helm on the PATH, and no Go to compile it. Install Helm 3 (https://helm.sh/docs/intro/install)," \
    "or Go 1.26 or newer (https://go.dev/dl), or copy helm $version to $built"
mkdir -p "$built"

# A run that is stopped leaves neither a compiler nor half a program behind.
log=$(mktemp)
trap '[[ ! ${compiler:-} ]] || kill -- "-$compiler" 2>/dev/null; rm -f "$log" "$built/helm.part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# watch_go TEXT ARGUMENT...: in a process group of its own, which the trap ends as a whole.
watch_go() {
  local text=$1 begin=$SECONDS result=0
  shift
  set -m
  (cd "$here/helm" && CGO_ENABLED=0 GOWORK=off exec nice go "$@") >"$log" 2>&1 &
  compiler=$!
  set +m
  while kill -0 "$compiler" 2>/dev/null; do
    progress "$text: $((SECONDS - begin)) s, now $(tail -n 1 "$log")"
    sleep 0.5
  done
  wait "$compiler" || result=$?
  compiler=
  ((result == 0)) || tail -n 15 "$log" >&2
  return "$result"
}

# The modules first: failing at that says something about the machine, failing at the rest about this project.
watch_go "fetching the modules of helm $version" list -deps "$package" ||
  unavailable "the modules of helm cannot be fetched, or Go is too old: see the lines above"
watch_go "compiling helm $version" build -v -trimpath -ldflags "$(linker_flags)" \
  -o "$built/helm.part" "$package" || fail "helm does not compile: see the lines above"
mv "$built/helm.part" "$built/helm"
progress_done "compiled helm $version in $SECONDS s"
echo "$built/helm"
