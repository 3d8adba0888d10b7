# What each part of the control plane is started with, in the order in which they need
# each other.
# shellcheck shell=bash disable=SC2154 # some variables are set by control-plane.sh

kubectl() { "$dir/bin/kubectl" --kubeconfig "$dir/kubeconfig" --request-timeout 2s "$@"; }

start_etcd() {
  # Nothing is worth keeping here, so etcd need not wait for the disk.
  launch etcd \
    --data-dir "$dir/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls http://127.0.0.1:0
}

start_api_server() {
  write_kubeconfigs
  # Pods reach the API server by the Service `kubernetes`, which leads to the node's address.
  local address=(--bind-address 127.0.0.1 --advertise-address 127.0.0.1 --endpoint-reconciler-type none)
  [[ ! $real_node ]] || address=(--bind-address 0.0.0.0 --advertise-address "$node_ip")
  launch kube-apiserver \
    --etcd-servers "http://127.0.0.1:$etcd_port" \
    --secure-port "$api_server_port" "${address[@]}" --service-cluster-ip-range 10.0.0.0/16 \
    --tls-cert-file "$dir/pki/apiserver.crt" --tls-private-key-file "$dir/pki/apiserver.key" \
    --client-ca-file "$dir/pki/ca.crt" --authorization-mode Node,RBAC --allow-privileged \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$dir/pki/service-account.key" \
    --service-account-signing-key-file "$dir/pki/service-account.key" \
    --requestheader-client-ca-file "$dir/pki/front-proxy-ca.crt" \
    --requestheader-allowed-names front-proxy-client \
    --requestheader-username-headers X-Remote-User \
    --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- \
    --proxy-client-cert-file "$dir/pki/front-proxy-client.crt" \
    --proxy-client-key-file "$dir/pki/front-proxy-client.key" \
    --kubelet-certificate-authority "$dir/pki/ca.crt" \
    --kubelet-client-certificate "$dir/pki/kubelet-client.crt" \
    --kubelet-client-key "$dir/pki/kubelet-client.key" \
    --kubelet-preferred-address-types InternalIP \
    --audit-policy-file "$here/audit-policy.yaml" --audit-log-path "$dir/logs/audit.log"
  [[ ! $real_node ]] || start_gate
  wait_for kube-apiserver kubectl get --raw /readyz
}

# Their own ports are closed, since the default ones would clash with another control plane.
start_controllers() {
  launch kube-controller-manager \
    --kubeconfig "$dir/pki/kube-controller-manager.kubeconfig" --leader-elect=false --secure-port 0 \
    --use-service-account-credentials --root-ca-file "$dir/pki/ca.crt" \
    --service-account-private-key-file "$dir/pki/service-account.key" \
    --kube-api-qps 500 --kube-api-burst 1000 \
    --concurrent-deployment-syncs 20 --concurrent-replicaset-syncs 20
  launch kube-scheduler \
    --kubeconfig "$dir/pki/kube-scheduler.kubeconfig" --leader-elect=false --secure-port 0 \
    --kube-api-qps 500 --kube-api-burst 1000
  # Without its service account no pod is admitted to a namespace.
  wait_for kube-controller-manager kubectl get serviceaccount default --namespace default
}

# KWOK leaves nodes without the annotation alone, so that a real kubelet can join.
start_nodes() {
  launch kwok \
    --kubeconfig "$dir/kubeconfig" \
    --config "$here/kwok/node.yaml" --config "$here/kwok/pod.yaml" --config "$here/kwok/usage.yaml" \
    --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake --node-lease-duration-seconds 40 \
    --cidr 10.1.0.1/16 --node-ip 127.0.0.1 --node-port "$kubelet_port" --server-address "127.0.0.1:$kubelet_port" \
    --tls-cert-file "$dir/pki/kubelet.crt" --tls-private-key-file "$dir/pki/kubelet.key"
  ((nodes > 0)) || return 0
  local number
  for ((number = 0; number < nodes; number++)); do node_manifest "kwok-node-$number"; done | kubectl create -f - >/dev/null
  wait_for "$nodes KWOK node(s)" kubectl wait node --all --for condition=Ready --timeout 1s
}

# node_manifest NAME: a node with room for whatever a test brings. Beside a real one it takes only pods that tolerate a fake.
node_manifest() {
  local taint='{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}'
  cat <<YAML
---
apiVersion: v1
kind: Node
metadata:
  name: $1
  labels: {type: kwok, kubernetes.io/os: linux, kubernetes.io/arch: amd64, kubernetes.io/hostname: $1}
  annotations:
    kwok.x-k8s.io/node: fake
    metrics.k8s.io/resource-metrics-path: /metrics/nodes/$1/metrics/resource
spec: {taints: [${real_node:+$taint}]}
status:
  capacity: &room {cpu: "1000", memory: 4Ti, pods: "10000"}
  allocatable: *room
  nodeInfo: {kubeletVersion: $version, operatingSystem: linux, architecture: amd64}
YAML
}

start_metrics_server() {
  launch metrics-server \
    --kubeconfig "$dir/kubeconfig" \
    --authentication-kubeconfig "$dir/kubeconfig" --authorization-kubeconfig "$dir/kubeconfig" \
    --requestheader-client-ca-file "$dir/pki/front-proxy-ca.crt" \
    --bind-address 127.0.0.1 --secure-port "$metrics_server_port" --cert-dir "$dir/pki/metrics-server" \
    --kubelet-insecure-tls --kubelet-use-node-status-port --kubelet-preferred-address-types InternalIP \
    --kubelet-request-timeout 5s --metric-resolution "$metric_resolution"
  kubectl create -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {type: ExternalName, externalName: localhost, ports: [{name: https, port: $metrics_server_port}]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system, port: $metrics_server_port}
YAML
  wait_for metrics-server kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes
}
