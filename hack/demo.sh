#!/usr/bin/env bash
# npm run demo: installs the project's packages if they are missing, then tells the story (hack/demo/main.ts).
set -euo pipefail
cd "$(dirname "$0")/.."
. hack/install.sh
exec node_modules/.bin/node hack/demo/main.ts "$@"
