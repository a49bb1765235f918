#!/bin/bash
# `make bench`: see bench/run.py, bench/keyvalue.py and bench/lattice.py.
set -euo pipefail
cd "$(dirname "$0")/.."
/usr/bin/python3 bench/run.py "$@"
/usr/bin/python3 bench/keyvalue.py "$@"
exec /usr/bin/python3 bench/lattice.py "$@"
