#!/usr/bin/env bash
# Starts a real Kubernetes of one node in a network namespace of its own, in about ten seconds, and leaves
# nothing behind when down.sh has run. As root.
#
#   up.sh PROGRAMS STATE     PROGRAMS: the folder that build.sh printed; STATE: a folder that is made
#
# STATE/admin.kubeconfig leads to it; STATE/log has a file for each part. The host's processes reach Services and
# pods by their addresses (10.96.0.0/16, 10.244.0.0/24); pods reach the host's at 10.99.0.254. Images are imported,
# not pulled: ctr -a STATE/containerd.sock -n k8s.io images import X.tar.
# Not there: enforcement of NetworkPolicies, load balancers, storage classes, ingress controllers.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -eq 2 ]] || { sed -n 's/^# \{0,1\}//; 2,12p' "$0" >&2; exit 2; }
HERE=$1; BIN=$1/bin; R=$2; PKI=$R/pki; ETC=$R/etc; LOG=$R/log
NS=trellis; NODE=trellis
HOST_IP=10.99.0.254; NODE_IP=10.99.0.1
SVC_CIDR=10.96.0.0/16; POD_CIDR=10.244.0.0/24; API_SVC_IP=10.96.0.1; DNS_IP=10.96.0.10
CNI_BIN=/usr/lib/cni
PAUSE=localhost/pause:1
t0=$(date +%s%3N)
say() { local d=$(( $(date +%s%3N) - t0 )); printf '[%3d.%03ds] %s\n' $((d / 1000)) $((d % 1000)) "$*"; }
die() { echo "up.sh: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "must be root"
[ -x "$BIN/kubeall" ] || die "no $BIN/kubeall"
[ ! -e "$R/up" ] || die "already up (run down.sh)"
[ ! -e /run/netns/$NS ] || die "the network namespace $NS is there: another cluster runs, or one was not taken down (down.sh its state folder)"
mkdir -p "$R/bin" "$R/pid" "$PKI" "$ETC/cni" "$LOG" "$R/kubelet" "$R/etcd" "$R/manifests"
touch "$R/up"
for c in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
  ln -sf "$BIN/kubeall" "$R/bin/$c"   # one program, called by the names of its parts
done
BIN=$R/bin

# ---- network namespace -------------------------------------------------
ip netns add "$NS"
ip link add tkh type veth peer name tkn netns "$NS"
ip addr add $HOST_IP/24 dev tkh; ip link set tkh up
ns() { nsenter --net=/run/netns/"$NS" "$@"; }
ns ip link set lo up
ns ip addr add $NODE_IP/24 dev tkn; ns ip link set tkn up
ns ip route add default via $HOST_IP
ns sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
ip route add $SVC_CIDR via $NODE_IP dev tkh      # host can reach ClusterIPs
ip route add 10.244.0.0/16 via $NODE_IP dev tkh  # ... and pod IPs

# ---- certificates ------------------------------------------------------
if [ ! -e "$PKI/ok" ]; then
  key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"; }
  ca() { key "$1"; openssl req -x509 -new -key "$PKI/$1.key" -subj "/CN=$1" -days 3650 -out "$PKI/$1.crt" \
           -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature; }
  cert() { # name subject ca [san]
    key "$1"
    { echo "basicConstraints=CA:FALSE"; echo "keyUsage=digitalSignature"; echo "extendedKeyUsage=serverAuth,clientAuth"
      [ -z "${4:-}" ] || echo "subjectAltName=$4"; } > "$PKI/$1.ext"
    openssl req -new -key "$PKI/$1.key" -subj "$2" -out "$PKI/$1.csr"
    openssl x509 -req -in "$PKI/$1.csr" -CA "$PKI/$3.crt" -CAkey "$PKI/$3.key" -set_serial "0x$(openssl rand -hex 8)" \
      -days 3650 -extfile "$PKI/$1.ext" -out "$PKI/$1.crt" 2>/dev/null
  }
  ca ca; ca front-proxy-ca
  cert apiserver "/CN=kube-apiserver" ca "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:$NODE_IP,IP:$API_SVC_IP"
  cert kubelet-client "/O=system:masters/CN=apiserver-kubelet-client" ca
  cert front-proxy-client "/CN=front-proxy-client" front-proxy-ca
  cert admin "/O=system:masters/CN=admin" ca
  cert kcm "/CN=system:kube-controller-manager" ca
  cert scheduler "/CN=system:kube-scheduler" ca
  cert proxy "/CN=system:kube-proxy" ca
  cert kubelet "/O=system:nodes/CN=system:node:$NODE" ca "DNS:$NODE,IP:$NODE_IP"
  openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null
  openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub" 2>/dev/null
  touch "$PKI/ok"
fi
kubeconfig() { # name -> $R/name.kubeconfig
  local b; b() { base64 -w0 < "$1"; }
  cat > "$R/$1.kubeconfig" <<K
apiVersion: v1
kind: Config
clusters: [{name: trellis, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(b "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(b "$PKI/$1.crt"), client-key-data: $(b "$PKI/$1.key")}}]
contexts: [{name: trellis, context: {cluster: trellis, user: $1}}]
current-context: trellis
K
  chmod 600 "$R/$1.kubeconfig"
}
for u in admin kcm scheduler proxy kubelet; do kubeconfig $u; done
say "certificates and kubeconfigs"

# ---- processes ---------------------------------------------------------
start() { # name cmd...
  local n=$1; shift
  setsid nsenter --net=/run/netns/"$NS" "$@" >"$LOG/$n.log" 2>&1 </dev/null &
  echo $! > "$R/pid/$n"
}
wait_for() { # what seconds cmd...
  local what=$1 s=$2 i; shift 2
  for ((i = 0; i < s * 5; i++)); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done
  die "timed out waiting for $what (see $LOG)"
}
export KUBECONFIG=$R/admin.kubeconfig
K=$BIN/kubectl

start etcd "$BIN/etcd" --data-dir "$R/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync --log-level warn

start kube-apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --advertise-address=$NODE_IP --secure-port=6443 \
  --service-cluster-ip-range=$SVC_CIDR --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
  --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
  --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-client-certificate="$PKI/kubelet-client.crt" --kubelet-client-key="$PKI/kubelet-client.key" \
  --kubelet-preferred-address-types=InternalIP --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-signing-key-file="$PKI/sa.key" --service-account-key-file="$PKI/sa.pub" \
  --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
  --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group --requestheader-username-headers=X-Remote-User \
  --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key" --profiling=false

cat > "$ETC/containerd.toml" <<C
version = 2
root = "$R/containerd/root"
state = "$R/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "$R/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE"
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  restrict_oom_score_adj = true  # CAP_SYS_RESOURCE may be missing from the bounding set
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CNI_BIN"
    conf_dir = "$ETC/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
C
cat > "$ETC/cni/10-bridge.conflist" <<C
{"cniVersion": "1.0.0", "name": "trellis", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$R/cni-ipam", "ranges": [[{"subnet": "$POD_CIDR"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
C
start containerd containerd --config "$ETC/containerd.toml"

cat > "$ETC/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$R/containerd.sock
cgroupDriver: cgroupfs
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$DNS_IP]
resolvConf: $ETC/resolv.conf
staticPodPath: $R/manifests
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
address: $NODE_IP
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: "100Mi", nodefs.available: "1%", nodefs.inodesFree: "1%", imagefs.available: "1%"}
oomScoreAdj: 0
nodeStatusUpdateFrequency: 5s
registerWithTaints: []
C
echo "nameserver $HOST_IP" > "$ETC/resolv.conf"
cat > "$ETC/proxy.yaml" <<C
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $R/proxy.kubeconfig}
hostnameOverride: $NODE
clusterCIDR: $POD_CIDR
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
C

wait_for "API server" 60 "$K" get --raw /readyz
say "API server ready"
start kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig="$R/kcm.kubeconfig" --leader-elect=false --use-service-account-credentials \
  --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/sa.key" \
  --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" --bind-address=127.0.0.1 \
  --authentication-kubeconfig="$R/kcm.kubeconfig" --authorization-kubeconfig="$R/kcm.kubeconfig"
start kube-scheduler "$BIN/kube-scheduler" --kubeconfig="$R/scheduler.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 \
  --authentication-kubeconfig="$R/scheduler.kubeconfig" --authorization-kubeconfig="$R/scheduler.kubeconfig"
CTR="ctr -a $R/containerd.sock -n k8s.io"
wait_for containerd 30 $CTR version
start kubelet "$BIN/kubelet" --config="$ETC/kubelet.yaml" --kubeconfig="$R/kubelet.kubeconfig" --hostname-override="$NODE" \
  --node-ip=$NODE_IP --root-dir="$R/kubelet" --cert-dir="$PKI"
start kube-proxy "$BIN/kube-proxy" --config="$ETC/proxy.yaml"
for t in "$HERE"/images/*.tar; do [ -e "$t" ] && $CTR images import "$t" >/dev/null; done
say "images imported"
wait_for "node" 60 "$K" get node "$NODE"
"$K" wait --for=condition=Ready "node/$NODE" --timeout=90s >/dev/null
say "node Ready"
wait_for "default service account" 60 "$K" get sa default
if [ -e "$HERE/images/coredns.tar" ]; then
  "$K" apply -f "$here/coredns.yaml" >/dev/null
  "$K" -n kube-system rollout status deploy/coredns --timeout=90s >/dev/null
  say "CoreDNS Ready"
fi
say "up: $R/admin.kubeconfig"
