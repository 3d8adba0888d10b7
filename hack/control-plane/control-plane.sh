#!/usr/bin/env bash
# A real Kubernetes control plane on this machine, as plain processes on loopback: etcd,
# kube-apiserver, kube-controller-manager, kube-scheduler, metrics-server, and KWOK, which
# plays the nodes. Nothing is containerised and nothing needs root, except for a real node.
#
#   control-plane.sh start [--dir DIR] [--nodes N] [--real-node] [--metric-resolution DURATION]
#       Starts an empty one; its last line is the `export KUBECONFIG=...` to use it by
#       (the only line on stdout). Already running: says so and changes nothing.
#   control-plane.sh stop [--dir DIR]        Stops all of it and drops its data.
#   control-plane.sh restart-api-server [--dir DIR]
#       Kills the API server and starts it again, as after a crash.
#   control-plane.sh status [--dir DIR]      What runs, where; exit code 1 unless all does.
#   control-plane.sh kubeconfig [--dir DIR]  The path of the administrator's kubeconfig.
#   control-plane.sh load FILE [--dir DIR]   Gives the real node the images of an archive.
#   control-plane.sh build [--real-node]     Compiles the programs into the cache.
#
#   --dir DIR    holds certificates, kubeconfig, logs, pids and links to the programs
#                (bin/kubectl among them). Several can run at once, each in its own.
#                Default: $VPA_CONTROL_PLANE_DIR, or `run` in the cache.
#   --nodes N    how many KWOK nodes there are; default 1, or 0 beside a real one, where they
#                have the taint kwok.x-k8s.io/node=fake.
#   --real-node  a node with real containers and a real Service network, named real-node: kubelet,
#                kube-proxy and containerd in namespaces of their own. Needs Linux and root; installs
#                the Debian packages that it needs. Nothing but the API server's port can be reached
#                from outside of its network, and nothing outside from within.
#   --metric-resolution DURATION
#                how often metrics-server reads usage; default and least 10s.
#
# A pod's usage is what its annotations kwok.x-k8s.io/usage-cpu and .../usage-memory say,
# for each of its containers; metrics.k8s.io shows it after two reads: within 20 s, or 30 s for
# the first pods.
# A Service `type: ExternalName, externalName: localhost` leads the API server to a process
# here, so webhooks work by service as well as by URL.
#
# The programs are taken, each, from the directory $KUBEBUILDER_ASSETS, else from the cache
# ${XDG_CACHE_HOME:-~/.cache}/vpa-control-plane/VERSION/bin, else they are compiled into
# that cache with Go from the versions in tools/*/go.mod: some minutes, once.
#
# Exit codes: 1 something failed (and nothing is left running), 2 wrong usage,
# 3 not available here: a program is missing and cannot be compiled.

# shellcheck source-path=SCRIPTDIR
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vpa-control-plane
dir=${VPA_CONTROL_PLANE_DIR:-$cache/run}
nodes=
real_node=
metric_resolution=10s

source "$here/report.sh"
source "$here/programs.sh"
source "$here/pki.sh"
source "$here/processes.sh"
source "$here/components.sh"
source "$here/real-node.sh"

start() {
  if all_running; then
    [[ ! $real_node || -d $dir/machine ]] || fail "the control plane in $dir runs without a real node; stop it first"
    say "the control plane in $dir is already running"
    echo "export KUBECONFIG=$dir/kubeconfig"
    return
  fi
  need_openssl
  prepare_dir
  trap clean_up_unless_started EXIT
  [[ ! $real_node ]] || need_real_node
  find_or_build_programs
  link_programs

  say "starting Kubernetes in $dir"
  local begin=$SECONDS
  make_pki
  pick_ports
  [[ ! $real_node ]] || start_machine
  start_etcd
  start_api_server
  start_controllers
  start_nodes
  [[ ! $real_node ]] || start_real_node
  start_metrics_server
  started=yes
  say "ready after $((SECONDS - begin)) s; stop it with: $0 stop --dir $dir"
  echo "export KUBECONFIG=$dir/kubeconfig"
}

# Nothing is left running by a start or a build that did not reach its end.
clean_up_unless_started() {
  [[ ${started:-} ]] && return
  abandon_build
  stop_processes
}

# prepare_dir: an empty $dir, but never by wiping what is not ours.
prepare_dir() {
  if [[ -d $dir && ! -f $dir/ports && $(ls -A "$dir") ]]; then
    wrong_usage "$dir is not empty and holds no control plane; name another --dir"
  fi
  stop_processes
  rm -rf "${dir:?}"/{bin,logs,pki}
  mkdir -p "$dir"/{bin,logs,pids,pki}
  dir=$(absolute "$dir")
  : >"$dir/ports"
}

# absolute FOLDER: its one spelling, by which processes are recognised later.
absolute() { (cd "$1" && pwd -P); }

status() {
  local name
  for name in $(process_names); do
    if is_running "$name"; then
      printf '%-24s running  pid %-8s log %s\n' "$name" "$(<"$dir/pids/$name")" "$dir/logs/$name.log"
    else
      printf '%-24s stopped\n' "$name"
    fi
  done
  all_running
}

stop() {
  stop_processes
  say "nothing runs in $dir"
}

load() {
  load_image "$archive"
  say "loaded $archive into node $node_name"
}

restart_api_server() {
  [[ ! -d $dir/machine ]] || fail "not beside a real node, whose network is another; stop the control plane and start it again"
  is_running kube-apiserver || fail "no API server runs in $dir"
  # shellcheck source=/dev/null
  source "$dir/ports"
  kill_process kube-apiserver
  await_end kube-apiserver
  # The port is free a moment after the process is gone.
  while listens "$api_server_port"; do sleep 0.1; done
  start_api_server
}

build() {
  trap abandon_build EXIT
  build_programs "${programs[@]}"
}

command=${1:-}
shift || true
if [[ $command == load && ${1:-} != -* ]]; then
  archive=${1:-}
  shift || true
fi
while (($#)); do
  case $1 in
    --dir | --nodes | --metric-resolution) [[ ${2:-} ]] || wrong_usage "$1 needs a value" ;;
  esac
  case $1 in
    --dir) dir=$2 ;;
    --nodes) nodes=$2 ;;
    --real-node)
      real_node=yes
      programs+=(kubelet kube-proxy)
      shift
      continue
      ;;
    --metric-resolution) metric_resolution=$2 ;;
    -h | --help) command=help && break ;;
    *) wrong_usage "unknown option $1" ;;
  esac
  shift 2
done
nodes=${nodes:-$([[ $real_node ]] && echo 0 || echo 1)}
[[ $nodes =~ ^(0|[1-9][0-9]*)$ ]] || wrong_usage "--nodes is not a number: $nodes"
((nodes > 0)) || [[ $real_node ]] || wrong_usage "--nodes 0 leaves no node without --real-node"
[[ $command != load || ${archive:-} ]] || wrong_usage "load needs the path of an image archive"
[[ ! -d $dir ]] || dir=$(absolute "$dir")

# A signal ends the script by its EXIT trap.
trap 'exit 130' INT
trap 'exit 143' TERM HUP

case $command in
  start | stop | status | load | build) "$command" ;;
  restart-api-server) restart_api_server ;;
  kubeconfig) echo "$dir/kubeconfig" ;;
  help | -h | --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
  *) wrong_usage "expected start, stop, status, load, kubeconfig or build" ;;
esac
