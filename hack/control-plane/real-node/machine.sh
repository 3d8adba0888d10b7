#!/usr/bin/env bash
# The first process of the real node's machine: makes its world, then waits. Runs in mount, network and process
# namespaces of its own; what it mounts and configures is seen by nobody else and ends with it.
#
#   machine.sh FOLDER NODE-IP
set -euo pipefail
folder=$1 node_ip=$2

# What kubelets, containerd and CNI plug-ins insist to write outside of their folders.
for place in /run /var/log /var/lib; do
  case $folder/ in "$place"/*) echo "the folder $folder must not be below $place" >&2 && exit 1 ;; esac
  mount -t tmpfs tmpfs "$place"
done
mkdir -p /run/netns /var/log/containers /var/lib/cni

# The kubelet insists on these values. They are the machine's as a whole, so it is shown others.
pretend() {
  local file=$folder/sysctl/${1//\//.}
  [[ -e /proc/sys/$1 ]] || return 0
  echo "$2" >"$file"
  mount --bind "$file" "/proc/sys/$1"
}
pretend vm/overcommit_memory 1
pretend vm/panic_on_oom 0
pretend kernel/panic 10
pretend kernel/panic_on_oops 1
pretend kernel/keys/root_maxkeys 1000000
pretend kernel/keys/root_maxbytes 25000000
# Volumes that are mounted for a container must be seen in it.
mount --make-rshared /

# The pods' bridge is the node's address. There is no way out of this network, only to the Services in it.
ip link set lo up
ip link add cni0 type bridge
ip address add "$node_ip/24" dev cni0
ip link set cni0 up
ip route add 10.0.0.0/16 dev cni0
# These belong to the network namespace.
echo 1 >/proc/sys/net/ipv4/ip_forward
[[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables

touch "$folder/ready"
# As the first process it buries whoever is left over; bash does so while it waits.
while :; do
  sleep 1000000 &
  wait $!
done
