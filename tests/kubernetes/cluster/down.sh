#!/usr/bin/env bash
# Stops what up.sh started, by pid; removes its namespaces, mounts and cgroups, and its state.
#
#   down.sh STATE [-k]       -k keeps STATE/log
set -uo pipefail
R=${1:?the state folder of up.sh}; NS=trellis
[ -d "$R" ] || { exit 0; }
alive() { [ -d "/proc/$1" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }  # init may reap late
stop() { # names: TERM to all, then wait, then KILL
  local n p i ps=()
  for n in "$@"; do p=$(cat "$R/pid/$n" 2>/dev/null) && kill "$p" 2>/dev/null && ps+=("$p"); done
  for ((i = 0; i < 100; i++)); do
    for p in "${ps[@]}"; do alive "$p" && { sleep 0.1; continue 2; }; done
    return 0
  done
  for p in "${ps[@]}"; do alive "$p" && kill -9 "$p" 2>/dev/null; done
}
stop kube-proxy kubelet kube-scheduler kube-controller-manager
C="ctr -a $R/containerd.sock -n k8s.io"
# pod network namespaces, before their sandboxes go
netns=$(for c in $($C containers ls -q 2>/dev/null); do $C containers info "$c" 2>/dev/null; done | grep -o '/netns/cni-[0-9a-f-]*' | sort -u | sed 's#/netns/##')
for t in $($C tasks ls -q 2>/dev/null); do $C tasks kill -s SIGKILL "$t" 2>/dev/null; done
for ((i = 0; i < 50; i++)); do $C tasks ls 2>/dev/null | grep -q RUNNING || break; sleep 0.1; done
for t in $($C tasks ls -q 2>/dev/null); do $C tasks rm -f "$t" >/dev/null 2>&1; done   # ends the shims
for t in $($C containers ls -q 2>/dev/null); do $C containers rm "$t" >/dev/null 2>&1; rm -f /var/lib/cni/results/*-"$t"-*; done
stop containerd kube-apiserver; stop etcd
for p in $(grep -la -- "$R/containerd.sock" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); do
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" = containerd-shim ] && kill -9 "$p" 2>/dev/null
done
awk -v r="$R/" 'index($5, r) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2>/dev/null; done
for n in $netns; do ip netns del "$n" 2>/dev/null; done
ip link del tkh 2>/dev/null; ip netns del "$NS" 2>/dev/null
for c in /sys/fs/cgroup/*/kubepods; do [ -d "$c" ] && find "$c" -depth -type d -exec rmdir {} + 2>/dev/null; done
if [ "${2:-}" = -k ]; then find "$R" -mindepth 1 -maxdepth 1 ! -name log -exec rm -rf {} +; else rm -rf "$R"; fi
