#!/usr/bin/env bash
# Builds the Rust programs of this folder (once; cargo keeps them) and runs test_compat.py against the built host.
#   tests/compat/run.sh <build folder>
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$build/compat}
for crate in sdk-0.10 sdk-0.11 archive; do
  cargo build --quiet --release --locked --manifest-path "$here/$crate/Cargo.toml"
done
export TRELLIS_BUILD=$build TRELLIS_COMPAT=$CARGO_TARGET_DIR/release PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m pytest -q --color=no -p no:cacheprovider "$here" "${@:2}"
