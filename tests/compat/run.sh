#!/usr/bin/env bash
# Builds the Rust programs of this folder and the wash of 2022 (once; cargo keeps the former, a cache folder the latter) and
# runs the tests here against the built programs.
#   tests/compat/run.sh <build folder> [pytest options]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$build/compat}
for crate in sdk-0.10 sdk-0.11 archive; do
  cargo build --quiet --release --locked --manifest-path "$here/$crate/Cargo.toml"
done

# Some 370 crates, so it is kept where `make clean` leaves it and other clones find it. One job: it is in nobody's way.
old=${XDG_CACHE_HOME:-$HOME/.cache}/trellis/compat/wash-0.13.0
if [[ ! -x $old/bin/wash ]]; then
  echo "Building wash 0.13.0, the one of 2022, into $old (once; this takes half an hour) ..."
  CARGO_TARGET_DIR=$old/target CARGO_BUILD_JOBS=1 nice cargo install --quiet wash-cli --version 0.13.0 --locked --debug --root "$old"
  rm -rf "$old/target"
fi

# The NATS server of November 2022. Later ones, alone, leave a member out of an answer that clients of 2022 insist on.
nats=${XDG_CACHE_HOME:-$HOME/.cache}/trellis/compat/nats-2.9.8
if [[ ! -x $nats/nats-server ]]; then
  if command -v go > /dev/null; then
    echo "Building nats-server 2.9.8 into $nats (once) ..."
    GOBIN=$nats GOFLAGS=-mod=mod go install github.com/nats-io/nats-server/v2@v2.9.8
  else
    echo "There is no Go to build the NATS server of 2022 with: large values over NATS are left out."
  fi
fi
[[ ! -x $nats/nats-server ]] || export TRELLIS_OLD_NATS=$nats/nats-server

export TRELLIS_BUILD=$build TRELLIS_COMPAT=$CARGO_TARGET_DIR/release TRELLIS_OLD_WASH=$old/bin/wash
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/../e2e
exec /usr/bin/python3 -m pytest -q --color=no -p no:cacheprovider "$here" "${@:2}"
