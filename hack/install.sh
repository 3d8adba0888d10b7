# shellcheck shell=bash
# Sourced by test.sh and demo.sh from the project's root: installs the locked packages (Node 24 among them) unless
# they are there and belong to the present lock file.
install_stamp=node_modules/.package-lock.json
if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt "$install_stamp" ]; then
  echo "Installing the project's packages (npm ci), once ..." >&2
  npm ci --no-audit --no-fund --loglevel=error >&2 || {
    echo "npm ci failed: the project needs npm 10 or newer and a package registry it can reach." >&2
    exit 1
  }
fi
