# The real node: kubelet, containerd and kube-proxy on a machine within this machine.
#
# It consists of namespaces alone (mounts, network, processes), held by one process. The API server and all the
# rest run in its network, where pods have addresses and Services work; a pair of socat leads the API server's
# port out to loopback here. When that one process ends, the kernel ends every container, and takes back mounts,
# interfaces, routes and packet filter rules with it. Cgroups alone are on this machine: they are named after
# the node's folder, and are removed.
# shellcheck shell=bash disable=SC2154 # some variables are set by control-plane.sh

node_name=real-node
# In the inner network: the bridge of the pods, which is the node's own address.
node_ip=10.2.0.1
# No more than this is ever used by all pods together.
node_memory_bytes=$((4 << 30))

# What Debian calls the packages, each with a program of it to look for.
node_packages=(containerd:containerd runc:runc containernetworking-plugins:/usr/lib/cni/bridge
  nftables:nft iproute2:ip socat:socat busybox-static:busybox)

need_real_node() {
  local package missing=()
  [[ $(uname -s) == Linux ]] || unavailable "a real node needs Linux; this is $(uname -s)"
  ((EUID == 0)) || unavailable "a real node needs root, for namespaces, mounts and cgroups of its own"
  for package in "${node_packages[@]}"; do
    command -v "${package#*:}" >/dev/null || missing+=("${package%:*}")
  done
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
  unshare --mount --net --pid --fork true 2>/dev/null ||
    unavailable "a real node needs namespaces of its own, and this machine refuses them: unshare --mount --net --pid"
  [[ -w /sys/fs/cgroup ]] || unavailable "a real node needs cgroups of its own, and /sys/fs/cgroup cannot be written"
}

# install_packages PACKAGE...: without their recommendations, and without a service of theirs ever being started.
install_packages() {
  command -v apt-get >/dev/null || unavailable "a real node needs these Debian packages, or their like: $*"
  say "installing Debian packages: $*"
  local log=$dir/logs/apt.log
  # RUNLEVEL=1: invoke-rc.d starts no service in single-user mode, whatever policy the system has.
  { apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    unavailable "these Debian packages cannot be installed: $*"
  }
  # Only where systemd runs does the package start its service in spite of the above; one that was there before is not ours.
  if [[ -d /run/systemd/system && " $* " == *' containerd '* ]]; then systemctl disable --now containerd.service >>"$log" 2>&1 || true; fi
}

# start_machine: from here on, `inside` is the prefix of whatever runs in the inner network.
start_machine() {
  local machine=$dir/machine namespaces
  mkdir -p "$machine"/{cni,sysctl,volume-plugins}
  make_cgroups
  node_configuration
  launch_command machine unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
    bash "$here/real-node/machine.sh" "$machine" "$node_ip"
  namespaces=/proc/$(<"$dir/pids/machine")/ns
  inside=(nsenter "--net=$namespaces/net" --)
  wait_for "machine of the real node" test -e "$machine/ready"
}

# start_gate: the API server's port here leads to the same port in there, by way of a UNIX socket, which knows
# no networks.
start_gate() {
  local socket=$dir/machine/api-server.socket
  launch_command gate-inside "${inside[@]}" socat "UNIX-LISTEN:$socket,fork" "TCP:127.0.0.1:$api_server_port"
  launch_command gate socat "TCP-LISTEN:$api_server_port,bind=127.0.0.1,reuseaddr,fork" "UNIX-CONNECT:$socket"
}

start_real_node() {
  local machine=$dir/machine enter
  enter_machine
  launch_command containerd "${enter[@]}" containerd --config "$machine/containerd.toml"
  wait_for containerd "${enter[@]}" ctr --address "$machine/containerd.socket" version
  pause_image "$machine/pause.tar"
  load_image "$machine/pause.tar"
  launch_command kubelet "${enter[@]}" "$dir/bin/kubelet" \
    --config "$machine/kubelet.yaml" --kubeconfig "$dir/pki/real-node.kubeconfig" --root-dir "$machine/kubelet" \
    --cert-dir "$dir/pki" --hostname-override "$node_name" --node-ip "$node_ip" --containerd "$machine/containerd.socket"
  launch_command kube-proxy "${enter[@]}" "$dir/bin/kube-proxy" --config "$machine/kube-proxy.yaml" --hostname-override "$node_name"
  wait_for "node $node_name" kubectl wait node "$node_name" --for condition=Ready --timeout 1s
}

# enter_machine: `enter` is then the prefix of what runs in all namespaces of the machine.
enter_machine() {
  local namespaces
  namespaces=/proc/$(<"$dir/pids/machine")/ns
  enter=(nsenter "--mount=$namespaces/mnt" "--net=$namespaces/net" "--pid=$namespaces/pid_for_children" --)
}

# load_image FILE: as `docker load` would, for the pods of the real node.
load_image() {
  [[ -S $dir/machine/containerd.socket ]] || fail "no real node runs in $dir; start one with --real-node"
  [[ -r $1 ]] || fail "no such image archive: $1"
  local enter
  enter_machine
  "${enter[@]}" ctr --address "$dir/machine/containerd.socket" --namespace k8s.io images import - <"$1" >"$dir/logs/load.log" 2>&1 ||
    fail_with_log "containerd cannot read the image archive $1" "$dir/logs/load.log"
}

real_node_certificates() {
  leaf real-node ca "/O=system:nodes/CN=system:node:$node_name" clientAuth
  leaf real-node-serving ca "/O=system:nodes/CN=system:node:$node_name" serverAuth "DNS:$node_name,IP:$node_ip"
  leaf kube-proxy ca /CN=system:kube-proxy clientAuth
}

real_node_kubeconfigs() {
  kubeconfig_of real-node >"$dir/pki/real-node.kubeconfig"
  kubeconfig_of kube-proxy >"$dir/pki/kube-proxy.kubeconfig"
}

# node_configuration: the files of real-node/, with this machine's paths and amounts put in.
node_configuration() {
  local name total_kib
  total_kib=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
  for name in kubelet.yaml kube-proxy.yaml containerd.toml; do
    sed -e "s|@DIR@|$dir|g" -e "s|@NODE_IP@|$node_ip|g" -e "s|@CGROUP@|$(cgroup_name)|g" \
      -e "s|@RESERVED@|$((total_kib > node_memory_bytes >> 10 ? total_kib - (node_memory_bytes >> 10) : 0))Ki|g" \
      "$here/real-node/$name" >"$dir/machine/$name"
  done
  cp "$here/real-node/bridge.conflist" "$dir/machine/cni/"
}

# cgroup_name: its own for each folder, and to be recognised: vpa-real-node-tmp-cluster for /tmp/cluster.
cgroup_name() { echo "vpa-real-node$(tr -c '[:alnum:]\n' - <<<"$dir")"; }

# cgroup_hierarchies: where cgroups are mounted: one place (v2), or one for each controller (v1).
cgroup_hierarchies() { awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts; }

make_cgroups() {
  local hierarchy own
  for hierarchy in $(cgroup_hierarchies); do
    own=$hierarchy/$(cgroup_name)
    mkdir -p "$own"
    # A cpuset (v1) takes no process until it has been told which CPUs and memory nodes.
    if [[ -e $own/cpuset.cpus && -e $hierarchy/cpuset.cpus ]]; then
      cat "$hierarchy/cpuset.cpus" >"$own/cpuset.cpus"
      cat "$hierarchy/cpuset.mems" >"$own/cpuset.mems"
    fi
    # Beside a machine's other work, a pod is to be held back by its limit and by nothing else.
    if [[ -e $own/cpu.shares ]]; then echo 65536 >"$own/cpu.shares"; fi
    if [[ -e $own/cpu.weight ]]; then echo 6400 >"$own/cpu.weight"; fi
    if [[ -e $own/memory.limit_in_bytes ]]; then echo $node_memory_bytes >"$own/memory.limit_in_bytes"; fi
    if [[ -e $own/memory.max ]]; then echo $node_memory_bytes >"$own/memory.max"; fi
  done
}

# remove_machine: its processes have been killed.
remove_machine() {
  remove_cgroups
  rm -rf "${dir:?}/machine"
}

# remove_cgroups: a moment after the last process has ended they can be removed, from the leaves up.
remove_cgroups() {
  local hierarchy own attempt
  for hierarchy in $(cgroup_hierarchies); do
    own=$hierarchy/$(cgroup_name)
    for ((attempt = 0; attempt < 100; attempt++)); do
      [[ -d $own ]] || break
      find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
    done
    [[ ! -d $own ]] || say "warning: the cgroup $own is still in use and stays"
  done
}

# pause_image FILE: the image that holds a pod's namespaces: one program that sleeps.
pause_image() {
  local root=$dir/machine/pause library
  mkdir -p "$root/bin"
  cp "$(command -v busybox)" "$root/bin/sleep"
  # None where it is the static one, which the script installs.
  for library in $(ldd "$root/bin/sleep" 2>/dev/null | grep -o '/[^ ]*' || true); do install -D "$library" "$root$library"; done
  "$here/../image-archive.sh" "$1" vpa.test/pause:1 '{"Cmd": ["/bin/sleep", "2147483647"]}' "$root"
}
