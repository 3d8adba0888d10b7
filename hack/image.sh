#!/usr/bin/env bash
# Builds the image $REGISTRY/vertical-pod-autoscaler:$TAG with docker or podman.
#
#   hack/image.sh [--push]
#
#   REGISTRY, TAG  (localhost, dev), as for hack/vpa-up.sh
#   NODE_IMAGE     the base, any image with Node 24   (hack/Dockerfile has the default)
#   ENGINE         docker or podman                   (the first of them that works)
set -euo pipefail

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
  fail "no container engine: $reason" 'expected docker or podman, installed and running; ENGINE chooses one'
}

case ${*:-} in
  '' | --push) ;;
  *) fail 'usage: REGISTRY=... TAG=... image.sh [--push]' ;;
esac

engine=$(find_engine)
npm run --silent bundle || fail 'the programs could not be bundled; has npm ci been run?'
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
