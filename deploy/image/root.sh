#!/usr/bin/env bash
# Gathers what the container image holds, in a folder: the programs, the shared libraries they need, the
# actors that are installed with them, CA certificates, and the four small files of /etc that the C library
# reads. No shell, no package manager, no distribution. Used by build.sh (buildah) and by the Dockerfile.
#
#   root.sh BUILD_DIR ROOT      BUILD_DIR: a finished build (build/release); ROOT: a folder that is made anew
set -euo pipefail
[[ $# -eq 2 ]] || { sed -n 's/^# \{0,1\}//; 2,6p' "$0" >&2; exit 2; }
build=$1 root=$2
readonly programs=(trellis trellis-provider wash)

for program in "${programs[@]}"; do
  [[ -x $build/bin/$program ]] || { echo "no $build/bin/$program: run 'make programs' first" >&2; exit 1; }
done
rm -rf "$root"
mkdir -p "$root"/{dev,etc/ssl/certs,proc,sys,tmp,usr/bin,usr/lib,usr/share/trellis,var/lib/trellis}

for program in "${programs[@]}"; do
  llvm-strip-19 -o "$root/usr/bin/$program" "$build/bin/$program"
done
cp -r "$build/share/trellis/artifacts" "$root/usr/share/trellis/"

# Every library under the name it is asked for, at the path it was found at; the loader where the
# programs' headers name it.
for program in "${programs[@]}"; do ldd "$build/bin/$program"; done |
  awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | sort -u |
  while read -r library; do
    install -D -m 755 "$(readlink -f "$library")" "$root$library"
  done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
printf 'root:x:0:0::/:/\nnonroot:x:65532:65532:Trellis:/var/lib/trellis:/\n' >"$root/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
chmod -R a+rX "$root"
chmod 1777 "$root/tmp"
chown -R 65532:65532 "$root/var/lib/trellis" 2>/dev/null || echo "not root: /var/lib/trellis is root's in this folder" >&2
