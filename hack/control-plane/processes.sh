# The processes of one control plane: pids/NAME holds a pid, logs/NAME.log its output.
# shellcheck shell=bash disable=SC2154 # some variables are set by control-plane.sh

# process_names: those of the real node only where there is one.
process_names() {
  echo etcd kube-apiserver kube-controller-manager kube-scheduler kwok metrics-server
  [[ ! -d $dir/machine ]] || echo machine gate gate-inside containerd kubelet kube-proxy
}

# launch NAME ARGUMENT...: starts bin/NAME, beside a real node in that one's network.
launch() { launch_command "$1" ${inside[@]+"${inside[@]}"} "$dir/bin/$1" "${@:2}"; }

# launch_command NAME COMMAND...: starts it under that name. A process group of its own keeps a
# Ctrl-C at the terminal away from it. Among its arguments must be a file of $dir, see is_running.
launch_command() {
  local name=$1
  shift
  set -m
  "$@" >"$dir/logs/$name.log" 2>&1 </dev/null &
  set +m
  echo $! >"$dir/pids/$name"
  disown
  # For a moment the new process still has the arguments of this script.
  while kill -0 $! 2>/dev/null && ! is_running "$name"; do sleep 0.01; done
}

# is_running NAME: each has files of $dir in its arguments, which tells it from a stranger
# that has got an old pid.
is_running() {
  local pid
  pid=$(cat "$dir/pids/$1" 2>/dev/null) && [[ $(command_line "$pid") == *"$dir/"* ]]
}

command_line() {
  { tr '\0' ' ' <"/proc/$1/cmdline" || ps -ww -o args= -p "$1"; } 2>/dev/null
}

all_running() {
  local name
  for name in $(process_names); do
    is_running "$name" || return 1
  done
}

# wait_for WHAT COMMAND...: repeats the command until it succeeds, for a minute at most;
# gives up as soon as a process has ended.
wait_for() {
  local what=$1 begin=$SECONDS name
  shift
  while :; do
    for name in "$dir"/pids/*; do
      name=${name##*/}
      is_running "$name" || fail_with_log "$name ended" "$dir/logs/$name.log"
    done
    if "$@" >"$dir/logs/wait.log" 2>&1; then break; fi
    ((SECONDS - begin < 60)) || fail_with_log "no $what within a minute" "$dir/logs/wait.log"
    progress "waiting for $what: $((SECONDS - begin)) s"
    sleep 0.2
  done
  progress_done "$what: ready"
}

fail_with_log() {
  progress_done "the last lines of $2:"
  tail -n 10 "$2" >&2
  fail "$1"
}

# stop_processes: kills them, since an orderly end takes the API server ten seconds and there
# is nothing to save. A whole group each, in case a program was a wrapper of the real one.
stop_processes() {
  local name
  for name in $(process_names); do kill_process "$name"; done
  for name in $(process_names); do await_end "$name"; done
  [[ ! -d $dir/machine ]] || remove_machine
  rm -rf "$dir/pids" "$dir/etcd"
}

kill_process() {
  if is_running "$1"; then kill -KILL -- "-$(<"$dir/pids/$1")" 2>/dev/null || true; fi
}

await_end() {
  while is_running "$1"; do sleep 0.05; done
}

# pick_ports: four free ports in a row, below those that Linux and macOS give to outgoing
# connections. They are kept in $dir/ports.
pick_ports() {
  local first
  while :; do
    first=$((20000 + RANDOM % 2500 * 4))
    listens "$first" || listens $((first + 1)) || listens $((first + 2)) || listens $((first + 3)) || break
  done
  cat >"$dir/ports" <<PORTS
etcd_port=$first
api_server_port=$((first + 1))
kubelet_port=$((first + 2))
metrics_server_port=$((first + 3))
PORTS
  # shellcheck source=/dev/null
  source "$dir/ports"
}

# listens PORT: is something there that accepts connections?
listens() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
