#!/usr/bin/env bash
# Builds the image $REGISTRY/vertical-pod-autoscaler:$TAG with docker or podman, or without either, on Linux.
#
#   hack/image.sh [--push]
#   hack/image.sh --archive FILE
#
#   --push          hands it to the registry
#   --archive FILE  needs no container engine: puts the Node of this project (node_modules), the libraries it needs and the
#                   programs into an archive that docker, podman, ctr and kind load. The same sources make the same bytes
#                   on the same machine.
#   REGISTRY, TAG  (localhost, dev), as for hack/vpa-up.sh
#   NODE_IMAGE     the base, any image with Node 24   (hack/Dockerfile has the default)
#   ENGINE         docker or podman                   (the first of them that works)
set -euo pipefail

# As its user sees it, before the change of directory.
archive=$(realpath --canonicalize-missing "${2:-.}" 2>/dev/null || true)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=${REGISTRY:-localhost}/vertical-pod-autoscaler:${TAG:-dev}

# fail WHAT [LINE...]
fail() {
  echo "error: $1" >&2
  shift
  (($# == 0)) || printf '       %s\n' "$@" >&2
  exit 1
}

# The first container engine that is installed and answers.
find_engine() {
  local engine engines=${ENGINE:-docker podman} reason
  reason="not installed: $engines"
  for engine in $engines; do
    command -v "$engine" >/dev/null || continue
    "$engine" info >/dev/null 2>&1 && echo "$engine" && return
    reason="$engine is installed but its engine does not answer; see: $engine info"
  done
  fail "no container engine: $reason" 'expected docker or podman, installed and running; ENGINE chooses one' \
    'without either, on Linux: hack/image.sh --archive FILE'
}

bundle() {
  npm run --silent bundle || fail 'the programs could not be bundled; has npm ci been run?'
}

# The image's configuration as the Dockerfile says it, in JSON. Its instructions that carry files are write_archive's.
configuration() {
  # Joins lines that end with a backslash.
  sed -e ':join' -e '/\\$/{N;s/\\\n */ /;b join' -e '}' hack/Dockerfile | awk '
    function list(text,   item, result) {
      while (match(text, /[^ "]+("[^"]*")?/)) {
        item = substr(text, RSTART, RLENGTH)
        gsub(/"/, "", item)
        result = result (result == "" ? "" : ",") "\"" item "\""
        text = substr(text, RSTART + RLENGTH)
      }
      return "[" result "]"
    }
    $1 == "ENV"        { sub(/^ENV /, ""); env = env " " $0 }
    $1 == "USER"       { user = $2 }
    $1 == "ENTRYPOINT" { sub(/^ENTRYPOINT /, ""); entrypoint = $0 }
    $1 == "CMD"        { sub(/^CMD /, ""); cmd = $0 }
    END { print "{\"User\":\"" user "\",\"Env\":" list(env) ",\"Entrypoint\":" entrypoint ",\"Cmd\":" cmd "}" }'
}

# What the base image brings: Node where distroless has it, the libraries it is linked with, and what names users and looks up hosts.
base_layer() {
  local root=$1 node library
  node=$(realpath node_modules/node/bin/node)
  mkdir -p "$root"/{nodejs/bin,etc,tmp}
  install -m 0755 "$node" "$root/nodejs/bin/node"
  # Without the symbols of its C++ parts it is a seventh smaller.
  ! command -v strip >/dev/null || strip "$root/nodejs/bin/node"
  for library in $(ldd "$node" | grep -o '/[^ ]*'); do
    install -D -m 0755 "$library" "$root$library"
  done
  printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin >"$root/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  chmod 1777 "$root/tmp"
}

# Starts a program of the image in the image's own root, without a container, and prints the milliseconds that took.
try_start() {
  local root=$1 begin
  local enter=(chroot --userspec=65534:65534 "$root")
  ((EUID == 0)) || enter=(unshare --map-root-user chroot "$root")
  begin=$(date +%s%3N)
  env --ignore-environment PATH="$PATH" "${enter[@]}" /nodejs/bin/node /app/vpa-recommender.mjs --help >/dev/null || return 1
  echo $(($(date +%s%3N) - begin))
}

write_archive() {
  umask 022
  local file=$1 work started
  [[ $(uname -s) == Linux ]] || fail "--archive takes the files of this machine, which must be Linux; this is $(uname -s)"
  bundle
  work=$(mktemp -d)
  # Now, not when it is trapped: the name is this function's.
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  chmod 0755 "$work"
  base_layer "$work/base"
  mkdir -p "$work/programs/app"
  install -m 0444 dist/*.mjs "$work/programs/app/"
  hack/image-archive.sh "$file" "$image" "$(configuration)" "$work/base" "$work/programs"

  cp -r "$work/programs/app" "$work/base/"
  started=$(try_start "$work/base") || fail 'the programs do not start in the root of the image; see above'
  cat <<TEXT

Wrote $file: $(($(stat --format=%s "$file") / 1000000)) MB, unpacked $(($(du -sb "$work/base" | cut -f1) / 1000000)) MB; a program starts in $started ms.

  load it       docker load --input $file       (podman load; kind load image-archive; ctr -n k8s.io images import)
  then          REGISTRY=${REGISTRY:-localhost} TAG=${TAG:-dev} hack/vpa-up.sh
TEXT
}

case $#/${1:-} in
  0/ | 1/--push) ;;
  2/--archive)
    write_archive "$archive"
    exit
    ;;
  *) fail 'usage: REGISTRY=... TAG=... image.sh [--push | --archive FILE]' ;;
esac

engine=$(find_engine)
bundle
"$engine" build --file hack/Dockerfile --tag "$image" ${NODE_IMAGE:+--build-arg "NODE_IMAGE=$NODE_IMAGE"} dist ||
  fail "$engine could not build $image; its words are above" \
    'if the base image cannot be pulled, NODE_IMAGE names another one with Node 24, such as node:24-slim'
[[ ${1:-} != --push ]] || "$engine" push "$image" || fail "$engine could not push $image; its words are above"

cat <<TEXT

Built $image. To run it in a cluster:

  push it       REGISTRY=<your registry> TAG=<tag> hack/image.sh --push
  or load it    kind load docker-image $image        (minikube image load, k3d image import)
  then          REGISTRY=${REGISTRY:-localhost} TAG=${TAG:-dev} hack/vpa-up.sh
TEXT
