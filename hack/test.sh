#!/usr/bin/env bash
# npm test: everything, from a fresh clone. Installs the project's packages if they are missing, then hands over to test.ts.
set -euo pipefail
cd "$(dirname "$0")/.."
. hack/install.sh
exec node_modules/.bin/node hack/test.ts "$@"
