#!/usr/bin/env bash
# `make down`: stops what `make up` started. Nothing to stop is no error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ! -x bin/wash ]]; then
  echo "Nothing was built here, so nothing runs."
  exit 0
fi
exec ./bin/wash down
