#!/usr/bin/env bash
# Writes what the three programs are made of as a CycloneDX bill of materials, from the lock file: hack/sbom.sh [FILE]
# Default: dist/sbom.cdx.json. Reaches no network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

file=${1:-dist/sbom.cdx.json}
mkdir -p "$(dirname "$file")"
npm sbom --sbom-format cyclonedx --package-lock-only --omit dev >"$file"
echo "$file: $(grep -c '"bom-ref"' "$file") components" >&2
