#!/usr/bin/env bash
# Fails, and says where, if a C++ source is not formatted as .clang-format says. `make format` mends it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.h' '*.cc' '*.cpp')
[[ ${#files[@]} -gt 0 ]] || exit 0
# A file that git still lists and that is gone is no formatting error.
for i in "${!files[@]}"; do [[ -f ${files[i]} ]] || unset "files[i]"; done
if ! printf '%s\0' "${files[@]}" | xargs -0 -n 40 -P "$(nproc)" clang-format-19 --dry-run -Werror; then
  echo "Not formatted. 'make format' does it." >&2
  exit 1
fi
echo "format: ${#files[@]} files"
