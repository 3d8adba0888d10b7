# Certificates and kubeconfigs, new at each start.
# shellcheck shell=bash disable=SC2154 # some variables are set by control-plane.sh

need_openssl() {
  command -v openssl >/dev/null ||
    unavailable "openssl, which makes the certificates, is missing; install it"
}

make_pki() {
  authority ca kubernetes
  authority front-proxy-ca front-proxy-ca
  leaf apiserver ca /CN=kube-apiserver serverAuth 'DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1'
  leaf kubelet ca /CN=kwok serverAuth 'DNS:localhost,IP:127.0.0.1'
  leaf kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  leaf front-proxy-client front-proxy-ca /CN=front-proxy-client clientAuth
  leaf admin ca /O=system:masters/CN=admin clientAuth
  leaf kube-controller-manager ca /CN=system:kube-controller-manager clientAuth
  leaf kube-scheduler ca /CN=system:kube-scheduler clientAuth
  key service-account
  [[ ! $real_node ]] || real_node_certificates
}

# write_kubeconfigs: for the administrator, whom KWOK and metrics-server borrow, and for
# the two programs with roles of their own.
write_kubeconfigs() {
  kubeconfig_of admin >"$dir/kubeconfig"
  kubeconfig_of kube-controller-manager >"$dir/pki/kube-controller-manager.kubeconfig"
  kubeconfig_of kube-scheduler >"$dir/pki/kube-scheduler.kubeconfig"
  [[ ! $real_node ]] || real_node_kubeconfigs
}

kubeconfig_of() {
  cat <<YAML
apiVersion: v1
kind: Config
current-context: local
contexts: [{name: local, context: {cluster: local, user: $1}}]
clusters:
  - name: local
    cluster: {server: "https://127.0.0.1:$api_server_port", certificate-authority-data: $(base64_of ca.crt)}
users:
  - name: $1
    user: {client-certificate-data: $(base64_of "$1.crt"), client-key-data: $(base64_of "$1.key")}
YAML
}

base64_of() { openssl base64 -A -in "$dir/pki/$1"; }

key() { (umask 077 && quietly openssl ecparam -name prime256v1 -genkey -noout -out "$dir/pki/$1.key"); }

# authority NAME COMMON-NAME
authority() {
  key "$1"
  quietly openssl req -x509 -new -key "$dir/pki/$1.key" -days 365 -subj "/CN=$2" -out "$dir/pki/$1.crt"
}

# leaf NAME AUTHORITY SUBJECT USAGE [ALTERNATIVE-NAMES]
leaf() {
  local file=$dir/pki/$1 authority=$dir/pki/$2
  key "$1"
  printf 'extendedKeyUsage=%s\n%s\n' "$4" "${5:+subjectAltName=$5}" >"$file.extensions"
  quietly openssl req -new -key "$file.key" -subj "$3" -out "$file.csr"
  quietly openssl x509 -req -in "$file.csr" -CA "$authority.crt" -CAkey "$authority.key" -CAcreateserial \
    -days 365 -extfile "$file.extensions" -out "$file.crt"
}

# quietly COMMAND...: openssl chats on stderr; it is shown only when it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || fail "$*: $output"
}
