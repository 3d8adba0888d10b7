#!/usr/bin/env bash
# Writes an image archive with nothing but tar, gzip and sha256sum. `docker load`, `podman load`, `ctr images import` and
# registries' tools read it: it is an OCI image layout, with Docker's manifest.json beside it. The same folders make the same bytes.
#
#   hack/image-archive.sh FILE IMAGE CONFIG FOLDER...
#
#   IMAGE    its name, such as localhost/vertical-pod-autoscaler:dev
#   CONFIG   the image configuration as JSON: {"User": ..., "Env": [...], "Entrypoint": [...], "Cmd": [...]}
#   FOLDER   the root of a layer each, from the lowest up; everything in it will belong to root
set -euo pipefail

(($# >= 4)) || { sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
file=$1 image=$2 config=$3
shift 3

case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/layout/blobs/sha256"

# Everything that tar and gzip would note of this machine and this moment is left out.
archive() { tar --create --sort=name --format=gnu --mtime=@0 --owner=0 --group=0 --numeric-owner "$@"; }

digest_of() { sha256sum "$1" | cut -d' ' -f1; }

# blob FILE: moves it to where its digest says, and sets `digest` and `size`.
blob() {
  digest=$(digest_of "$1") size=$(stat --format=%s "$1")
  mv "$1" "$work/layout/blobs/sha256/$digest"
}

# joined ITEM...: with commas.
joined() { local IFS=,; echo "$*"; }

descriptor() { echo "{\"mediaType\":\"application/vnd.oci.image.$1\",\"digest\":\"sha256:$digest\",\"size\":$size${2:-}}"; }

diff_ids=() layers=() paths=()
for folder in "$@"; do
  archive --file "$work/layer" --directory "$folder" .
  diff_ids+=("\"sha256:$(digest_of "$work/layer")\"")
  gzip --no-name "$work/layer"
  blob "$work/layer.gz"
  layers+=("$(descriptor layer.v1.tar+gzip)")
  paths+=("\"blobs/sha256/$digest\"")
done

cat >"$work/config" <<JSON
{"created":"1970-01-01T00:00:00Z","architecture":"$architecture","os":"linux","config":$config,"rootfs":{"type":"layers","diff_ids":[$(joined "${diff_ids[@]}")]}}
JSON
blob "$work/config"
echo "[{\"Config\":\"blobs/sha256/$digest\",\"RepoTags\":[\"$image\"],\"Layers\":[$(joined "${paths[@]}")]}]" >"$work/layout/manifest.json"

cat >"$work/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":$(descriptor config.v1+json),"layers":[$(joined "${layers[@]}")]}
JSON
blob "$work/manifest"
annotations=",\"annotations\":{\"io.containerd.image.name\":\"$image\",\"org.opencontainers.image.ref.name\":\"${image##*:}\"}"
echo "{\"schemaVersion\":2,\"manifests\":[$(descriptor manifest.v1+json "$annotations")]}" >"$work/layout/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/layout/oci-layout"

# By name, since some readers look for "manifest.json" and find no "./manifest.json".
archive --mode=a=r,u+w,a+X --file "$work/archive" --directory "$work/layout" blobs index.json manifest.json oci-layout
mv "$work/archive" "$file"
