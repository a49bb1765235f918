#!/usr/bin/env bash
# `make k8s`: the chart, the image and the host on a real Kubernetes. Each command is printed with its output.
#
#   run.sh [PYTEST ARGUMENTS]       as root: starts a cluster of its own (cluster/up.sh), imports the image that was
#                                   just built, runs the tests, takes everything down
#   KUBECONFIG=… TRELLIS_IMAGE=registry/name:tag run.sh   on that cluster, with that image, which it can pull
#   run.sh --up STATE               only starts the cluster, with the images; tests/kubernetes/cluster/down.sh STATE ends it
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
cd "$root"
scripts/install-packages.sh kubernetes
make --no-print-directory programs
cmake --build build/release --target native_echo >/dev/null
programs=$("$here/cluster/build.sh")
export TRELLIS_KUBERNETES=$programs TRELLIS_HELM=$programs/bin/helm
[[ ! -x $programs/bin/helm4 ]] || TRELLIS_HELM+=:$programs/bin/helm4

if [[ -n ${KUBECONFIG:-} ]]; then
  [[ -n ${TRELLIS_IMAGE:-} ]] || {
    echo "With KUBECONFIG, say which image that cluster can pull: TRELLIS_IMAGE=registry/name:tag ('make image' builds it)" >&2
    exit 1
  }
  exec python3 -m pytest -s -q -p no:cacheprovider "$here" "$@"
fi
[[ $(id -u) -eq 0 ]] || { echo "The cluster of the test needs root: run 'sudo make k8s', or set KUBECONFIG and TRELLIS_IMAGE" >&2; exit 1; }

deploy/image/build.sh build/release build/image
if [[ ${1:-} == --up ]]; then
  state=$(realpath -m "${2:?the folder for the state of the cluster}")
else
  state=$(mktemp -d)
  trap '"$here/cluster/down.sh" "$state/cluster"; rm -rf "$state"' EXIT
fi
"$here/cluster/up.sh" "$programs" "$state/cluster"
# The same echo as a plain container, to be compared with.
python3 "$here/cluster/image.py" "$state/native-echo.tar" localhost/native-echo:1 /usr/bin/native_echo \
  build/release/bin/native_echo=/usr/bin/native_echo
for image in build/image/trellis-host.tar "$state/native-echo.tar"; do
  ctr -a "$state/cluster/containerd.sock" -n k8s.io images import "$image" >/dev/null
done
[[ ${1:-} != --up ]] || exit 0
export TRELLIS_CLUSTER_STATE=$state/cluster KUBECONFIG=$state/cluster/admin.kubeconfig
python3 -m pytest -s -q -p no:cacheprovider "$here" "$@"
# The applier, case by case, against an API server alone.
[[ $# -gt 0 ]] || env -u KUBECONFIG python3 -m pytest -q -p no:cacheprovider tests/e2e/test_applier.py
