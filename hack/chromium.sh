#!/usr/bin/env bash
# Finds Chromium for the tests that need a real browser, and prints where it is.
#
# Where there is none and we are root on a Debian-like system, its package `chromium` is installed, without its recommendations.
#
# Exit codes: 1 the installation failed, 3 not available here: there is none and it cannot be installed.
set -euo pipefail

say() { echo "chromium.sh: $*" >&2; }

# Prints the first that runs: Ubuntu's chromium-browser only says that it is a snap.
found() {
  local program
  for program in chromium chromium-browser google-chrome; do
    if "$program" --version >/dev/null 2>&1; then command -v "$program" && return; fi
  done
  return 1
}

if ! found >/dev/null; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "there is no chromium on the PATH; install it (Debian: apt-get install chromium)"
    exit 3
  fi
  say "installing the package chromium ..."
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install -y --no-install-recommends chromium; } >&2 || {
    say "apt-get could not install it; install chromium by hand and put it on the PATH"
    exit 1
  }
fi
found || { say "the package chromium is installed, but its program is not on the PATH"; exit 1; }
