# What the script tells its user, all of it on stderr.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

# progress TEXT: long work goes on. On a terminal one line is rewritten, and cut so that it
# stays one; elsewhere a line appears every 15 s.
progress() {
  if [[ -t 2 ]]; then
    printf '\r\033[K%.79s' "$*" >&2
  elif ((SECONDS >= ${next_progress:-0})); then
    say "$*"
    next_progress=$((SECONDS + 15))
  fi
}

# progress_done TEXT: takes the place of the progress shown before.
progress_done() {
  [[ -t 2 ]] && printf '\r\033[K' >&2
  say "$*"
}

fail() {
  progress_done "error: $*"
  exit 1
}

wrong_usage() {
  say "error: $*"
  say "see: $0 --help"
  exit 2
}

# unavailable REASON: the control plane cannot be had on this machine as it is.
unavailable() {
  progress_done "error: $*"
  exit 3
}
