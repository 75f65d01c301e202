#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the data, learns the five laws with Potluck and with the peers that are installed, compares the draws with
# held-out data and makes picture.png: everything of README.md. Nothing else should run on the machine meanwhile.
#
#   examples/toys/run.sh [BUILD_FOLDER]    environment: POTLUCK_PYTHON, with netCDF4, matplotlib and numpy, and for the
#                                          peers torch and benchmarks/learning/requirements.txt; SEEDS (1 2 3)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
potluck=${1:-$top/build}/bin/potluck
python=${POTLUCK_PYTHON:-$top/.venv/bin/python}

"$python" "$here/data.py"
mkdir -p "$here/runs"
# shellcheck disable=SC2086 # numbers
"$python" "$here/compare.py" "$potluck" --seeds ${SEEDS:-1 2 3} | tee "$here/runs/results.jsonl"
"$python" "$here/picture.py" "$potluck" "$here/picture.png"
"$python" "$here/table.py" "$here/runs/results.jsonl"
