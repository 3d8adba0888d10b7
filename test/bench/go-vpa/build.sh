#!/usr/bin/env bash
# Compiles the Go implementation of the Vertical Pod Autoscaler, the reference of the benches
# and of the side-by-side run: recommender, updater and admission-controller, at the version
# in go.mod, into ${XDG_CACHE_HOME:-~/.cache}/vpa-control-plane/go-vpa-VERSION/bin. That takes
# some minutes, once. Its only line on stdout is that directory.
#
# Exit codes: 1 something failed, 3 not available here: the programs are missing and cannot
# be compiled.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../../hack/control-plane/report.sh
source "$here/../../../hack/control-plane/report.sh"

module=k8s.io/autoscaler/vertical-pod-autoscaler
version=$(sed -n "s|^[[:space:]]*$module v\([0-9.]*\).*|\1|p" "$here/go.mod")
built=${XDG_CACHE_HOME:-$HOME/.cache}/vpa-control-plane/go-vpa-$version/bin
programs=(recommender updater admission-controller)

missing=()
for program in "${programs[@]}"; do
  [[ -x $built/$program ]] || missing+=("$program")
done
if ((${#missing[@]} > 0)); then
  command -v go >/dev/null ||
    unavailable "no Go to compile the Go implementation that ours is compared with. Install Go 1.26 or newer" \
      "(https://go.dev/dl), or copy ${programs[*]} of version $version to $built"
  mkdir -p "$built"
fi

# A run that is stopped leaves neither a compiler nor half a program behind.
log=$(mktemp)
trap '[[ ! ${compiler:-} ]] || kill -- "-$compiler" 2>/dev/null; rm -f "$log" "$built"/*.part' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# build PROGRAM WHICH: in a process group of its own, which the trap ends as a whole.
build() {
  local begin=$SECONDS
  set -m
  (cd "$here" && CGO_ENABLED=0 GOWORK=off exec nice go build -v -trimpath -ldflags '-s -w' -o "$built/$1.part" "$module/pkg/$1") >"$log" 2>&1 &
  compiler=$!
  set +m
  while kill -0 "$compiler" 2>/dev/null; do
    progress "compiling the Go $1 ($2): $((SECONDS - begin)) s, now $(tail -n 1 "$log")"
    sleep 0.5
  done
  wait "$compiler" || { tail -n 15 "$log" >&2 && unavailable "the Go $1 does not compile: see the lines above"; }
  compiler=
  mv "$built/$1.part" "$built/$1"
  progress_done "compiled the Go $1 ($2) in $((SECONDS - begin)) s"
}

count=0
for program in "${missing[@]}"; do
  count=$((count + 1))
  build "$program" "$count of ${#missing[@]}"
done
echo "$built"
