#!/usr/bin/env bash
# Builds the container image from scratch with buildah: no Docker daemon, no base image. `make image` calls it.
#
#   build.sh BUILD_DIR OUT      writes OUT/trellis-host.tar (for `docker load`, `ctr images import`, `skopeo copy`)
#                               and OUT/trellis-host.cdx.json, the bill of materials (CycloneDX)
# IMAGE names it otherwise (docker.io/trellis/trellis-host:<version>).
set -euo pipefail
[[ $# -eq 2 ]] || { sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
source_root=$here/../..
build=$1 out=$2
version=$(sed -n 's/^project(trellis VERSION \([0-9.]*\).*/\1/p' "$source_root/CMakeLists.txt")
image=${IMAGE:-docker.io/trellis/trellis-host:$version}
mkdir -p "$out"
"$here/root.sh" "$build" "$out/root"

# Storage of its own, so that nothing of this machine's is touched and everything is gone afterwards.
store=$out/storage
builder() { buildah --storage-driver vfs --root "$store/root" --runroot "$store/run" "$@"; }
# The folder's layers belong to other users: removed in a user namespace when this one is not root.
forget() {
  [[ ! -e $store ]] || { [[ $(id -u) -eq 0 ]] && rm -rf "$store" || buildah unshare rm -rf "$store"; }
}
forget
trap forget EXIT

# The Dockerfile's last stage, with our folder in the place of the stages that build it. One time for every
# file: the same build gives the same image.
builder build --quiet --build-context "root=$out/root" --tag "$image" \
  --label "org.opencontainers.image.version=$version" \
  --timestamp "${SOURCE_DATE_EPOCH:-$(git -C "$source_root" log -1 --format=%ct 2>/dev/null || echo 0)}" \
  --file "$source_root/Dockerfile" "$out/root" >/dev/null
rm -f "$out/trellis-host.tar"
builder push --quiet "$image" "docker-archive:$out/trellis-host.tar:$image"

python3 "$here/sbom.py" "$out/root" "$source_root/src/engine/wasmtime/Cargo.lock" "$version" "$out/trellis-host.cdx.json"
bytes=$(du -sb --apparent-size "$out/root" | cut -f1)
packed=$(gzip -c "$out/trellis-host.tar" | wc -c)
echo "$image: $((bytes / 1000000)) MB, $((packed / 1000000)) MB compressed: $out/trellis-host.tar"
