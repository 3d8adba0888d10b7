# The programs of the control plane: where they are found, or how they are compiled.
# shellcheck shell=bash disable=SC2154 # some variables are set by control-plane.sh

programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok metrics-server)
version=$(sed -n 's|.*k8s.io/kubernetes \(v[0-9.]*\).*|\1|p' "$here/tools/kubernetes/go.mod")
built=$cache/$version/bin

# path_of PROGRAM: its path, or a failure if it is not there yet.
path_of() {
  local folder
  for folder in "${KUBEBUILDER_ASSETS:-$built}" "$built"; do
    if [[ -x $folder/$1 ]]; then
      echo "$(absolute "$folder")/$1"
      return
    fi
  done
  return 1
}

# package_of PROGRAM: the module of tools/ that fixes its version, and its Go package.
package_of() {
  case $1 in
    etcd) echo kubernetes go.etcd.io/etcd/server/v3 ;;
    kube*) echo kubernetes "k8s.io/kubernetes/cmd/$1" ;;
    *) echo node "sigs.k8s.io/$1/cmd/$1" ;;
  esac
}

find_or_build_programs() {
  local program missing=()
  for program in "${programs[@]}"; do
    path_of "$program" >/dev/null || missing+=("$program")
  done
  ((${#missing[@]} == 0)) || build_programs "${missing[@]}"
}

# link_programs: $dir/bin leads to the programs in use.
link_programs() {
  local program
  for program in "${programs[@]}"; do
    ln -sf "$(path_of "$program")" "$dir/bin/$program"
  done
}

build_programs() {
  if ! command -v go >/dev/null; then
    unavailable "no Go to compile $*. Install Go 1.26 or newer (https://go.dev/dl), or set" \
      "KUBEBUILDER_ASSETS to a directory with these programs, or copy them to $built"
  fi
  mkdir -p "$built"
  staging=$(mktemp -d "$cache/$version/build.XXXXXX")
  say "compiling $# programs of Kubernetes $version into $built: about 8 minutes on two cores, once"

  local program count=0
  for program in "$@"; do
    count=$((count + 1))
    build_program "$program" "$count of $#"
  done
  rm -rf "$staging"
}

# build_program PROGRAM WHICH: its modules are fetched first, because failing at that says
# something about the machine (exit code 3), and failing at the rest about this project.
build_program() {
  local module package begin=$SECONDS
  read -r module package <<<"$(package_of "$1")"
  watch_go "fetching the modules of $1 ($2)" "$module" list -deps "$package" ||
    unavailable "the modules of $1 cannot be fetched, or Go is too old: see the lines above"
  watch_go "compiling $1 ($2)" "$module" build -v -trimpath -ldflags "$(linker_flags)" \
    -o "$staging/$1" "$package" || fail "$1 does not compile: see the lines above"
  mv "$staging/$1" "$built/$1"
  progress_done "compiled $1 ($2) in $((SECONDS - begin)) s"
}

# watch_go TEXT MODULE ARGUMENT...: runs go in a module of tools/ and shows that it goes on.
# It has a process group of its own, which abandon_build ends as a whole.
watch_go() {
  local text=$1 module=$2 begin=$SECONDS log=$staging/log
  shift 2
  set -m
  (cd "$here/tools/$module" && CGO_ENABLED=0 GOWORK=off exec go "$@") >"$log" 2>&1 &
  compiler=$!
  set +m
  while kill -0 "$compiler" 2>/dev/null; do
    progress "$text: $((SECONDS - begin)) s, now $(tail -n 1 "$log")"
    sleep 0.5
  done
  local result=0
  wait "$compiler" || result=$?
  compiler=
  ((result == 0)) || tail -n 15 "$log" >&2
  return "$result"
}

# The version that the API server and its clients name; without it they call themselves v0.0.0.
linker_flags() {
  local at=k8s.io/component-base/version major minor
  IFS=. read -r major minor _ <<<"${version#v}"
  echo "-s -w -X $at.gitVersion=$version -X $at.gitMajor=$major -X $at.gitMinor=$minor"
}

# abandon_build: ends a compilation that is under way, and removes what it left.
abandon_build() {
  [[ ${compiler:-} ]] && kill -- "-$compiler" 2>/dev/null
  [[ ${staging:-} ]] && rm -rf "$staging"
  return 0
}
