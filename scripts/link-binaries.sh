#!/usr/bin/env bash
# ./bin/<program> → build/<preset>/bin/<program>. Links, so that a rebuild is what runs next.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:?which build folder}
mkdir -p bin
for program in trellis trellis-provider wash; do
  if [[ -x $build/bin/$program ]]; then ln -sfn "../$build/bin/$program" "bin/$program"; fi
done
