#!/bin/bash
# `make bench`: see bench/run.py and bench/keyvalue.py.
set -euo pipefail
cd "$(dirname "$0")/.."
/usr/bin/python3 bench/run.py "$@"
exec /usr/bin/python3 bench/keyvalue.py "$@"
