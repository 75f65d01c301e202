#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Lays out our C, C++ and CUDA sources with clang-format 14, Debian 12's: other versions lay out otherwise.
# With --check it only looks, lists what differs and fails.
set -euo pipefail
cd "${POTLUCK_FORMAT_FOLDER:-$(dirname "$0")/..}"

clang_format=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$clang_format" ] || ! "$clang_format" --version | grep -q 'version 14\.'; then
  echo "format: needs clang-format 14, found ${clang_format:-none}. On Debian 12: apt-get install clang-format" >&2
  exit 1
fi

mapfile -t sources < <(git ls-files --cached --others --exclude-standard | grep -E '\.(c|h|cpp|hpp|cu|cuh)$' |
  while read -r file; do [ -e "$file" ] && echo "$file"; done)
((${#sources[@]})) || { echo "format: no sources in $PWD" >&2; exit 1; }

if [ "${1:-}" = --check ]; then
  found=$("$clang_format" --dry-run --Werror "${sources[@]}" 2>&1) || {
    sed -n 's/^\([^ :]*\):\([0-9]*\):.*\[-Wclang-format-violations\]$/\1:\2/p' <<<"$found" | sort -t: -k1,1 -u >&2
    echo "format: these files (first line each) differ. Run make format" >&2
    exit 1
  }
  echo "format: ${#sources[@]} files as they should be"
else
  "$clang_format" -i "${sources[@]}"
fi
