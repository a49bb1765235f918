#!/bin/sh
# Fuzzes each target for some seconds: fuzz/run.sh [seconds] [target…]
#   fuzz/run.sh                      every target, 30 s each
#   fuzz/run.sh 600 claims_jwt       one target, ten minutes
# What is found lies in fuzz/<target>/crashes/: commit it with the fix, it is a unit test from then on.
# The grown corpus stays in the build folder ($TRELLIS_FUZZ_BUILD, default build/fuzz).
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
[ $# -gt 0 ] && shift
build=${TRELLIS_FUZZ_BUILD:-build/fuzz}

cmake --preset fuzz -B "$build" >/dev/null
cmake --build "$build" --target fuzzers

[ $# -gt 0 ] || set -- $(cd "$build/fuzz" && ls | sed -n 's/_fuzz$//p')
failed=""
for target in "$@"; do
  mkdir -p "$build/corpus/$target" "fuzz/$target/corpus" "fuzz/$target/crashes"
  if "$build/fuzz/${target}_fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
      -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
      -artifact_prefix="fuzz/$target/crashes/" \
      "$build/corpus/$target" "fuzz/$target/corpus" >"$build/$target.log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
    echo "$target: $runs runs in ${seconds} s, nothing found"
  else
    failed="$failed $target"
    echo "$target: FAILED; see $build/$target.log and fuzz/$target/crashes/"
  fi
  rmdir "fuzz/$target/crashes" "fuzz/$target/corpus" 2>/dev/null || true
done
[ -z "$failed" ]
