#!/usr/bin/env bash
# Finds Prometheus for the tests that need a real one, and prints where its two programs are:
#
#   prometheus=/usr/bin/prometheus
#   promtool=/usr/bin/promtool
#
# Where there is none and we are root on a Debian-like system, its package `prometheus` is installed,
# without its recommendations and without its service ever being started.
#
# Exit codes: 1 the installation failed, 3 not available here: there is none and it cannot be installed.
set -euo pipefail

say() { echo "prometheus.sh: $*" >&2; }

found() {
  command -v prometheus >/dev/null && command -v promtool >/dev/null
}

install_package() {
  say "installing the package prometheus ..."
  export DEBIAN_FRONTEND=noninteractive
  # RUNLEVEL=1: invoke-rc.d starts no service in single-user mode, whatever policy the system has.
  export RUNLEVEL=1
  { apt-get update && apt-get install -y --no-install-recommends prometheus; } >&2 || {
    say "apt-get could not install it; install prometheus and promtool by hand and put them on the PATH"
    exit 1
  }
  stop_service
}

# Only where systemd runs does the package start its service in spite of the above.
stop_service() {
  if [ -d /run/systemd/system ]; then systemctl disable --now prometheus.service >&2 || true; fi
}

if ! found; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "there is no prometheus and promtool on the PATH; install them (Debian: apt-get install prometheus)"
    exit 3
  fi
  install_package
fi
found || { say "the package prometheus is installed, but its programs are not on the PATH"; exit 1; }
echo "prometheus=$(command -v prometheus)"
echo "promtool=$(command -v promtool)"
