#!/usr/bin/env bash
# Whether a cluster can run on this machine: nothing and 0, or the reason in one line and 1.
set -uo pipefail
no() { echo "$*"; exit 1; }
[[ $(id -u) -eq 0 ]] || no "not root"
command -v go >/dev/null || no "no Go compiler"
ip netns add trellis-probe 2>/dev/null || no "network namespaces cannot be made here"
ip netns del trellis-probe
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work"/{lower,upper,work,merged}
mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" "$work/merged" 2>/dev/null ||
  no "overlay file systems cannot be mounted here"
umount "$work/merged"
grep -q '\bcpuset\b' /proc/cgroups 2>/dev/null || no "no control groups"
iptables -t nat -L -n >/dev/null 2>&1 || no "iptables does not work here"
