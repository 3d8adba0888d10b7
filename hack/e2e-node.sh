#!/usr/bin/env bash
# npm run e2e:node: the product on a node with real containers. Installs the project's packages if they are missing, then hands over to e2e-node.ts.
set -euo pipefail
cd "$(dirname "$0")/.."
. hack/install.sh
exec node_modules/.bin/node hack/e2e-node.ts "$@"
