#!/usr/bin/env bash
# Everything that goes wrong, in its long form: on the sandbox, then on a control plane of its own whose processes are killed.
#   CHAOS_SECONDS  how long each fault lasts (30)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$PWD/node_modules/.bin:$PATH CHAOS_SECONDS=${CHAOS_SECONDS:-30}

directory=$(mktemp -d)
report=$directory/report
mkdir "$directory/control-plane"
stop() {
  local code=$?
  bash hack/control-plane/control-plane.sh stop --dir "$directory/control-plane"
  if ((code != 0)) && mv "$directory/control-plane/logs" "$directory.logs" 2>/dev/null; then echo "The control plane's logs are kept in $directory.logs" >&2; fi
  rm -rf "$directory"
}
trap stop EXIT
vitest run --config test/vitest.config.ts --project unit test/chaos --reporter=verbose --reporter=json --outputFile.json="$report.unit"
# It starts a control plane of its own, and stops it.
vitest run --config test/vitest.config.ts --project cluster test/chaos/cluster --reporter=verbose --reporter=json --outputFile.json="$report.cluster"
bash hack/control-plane/control-plane.sh start --dir "$directory/control-plane" --nodes 2 || exit 1
export VPA_CONTROL_PLANE_DIR=$directory/control-plane VPA_CONTROL_PLANE_KUBECONFIG=$directory/control-plane/kubeconfig
vitest run --config test/vitest.config.ts --project chaos --reporter=verbose --reporter=json --outputFile.json="$report.chaos"
node -e '
  const reports = process.argv.slice(1).map((path) => JSON.parse(require("fs").readFileSync(path, "utf8")))
  const total = (key) => reports.reduce((sum, report) => sum + report[key], 0)
  const failed = total("numFailedTests") + reports.filter(({ success, numFailedTests }) => !success && numFailedTests === 0).length
  console.log(`${total("numPassedTests")} passed, ${failed} failed`)
  process.exitCode = Number(failed > 0)
' "$report.unit" "$report.cluster" "$report.chaos"
