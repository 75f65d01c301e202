#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times the steps and training updates of a learned network in Potluck, plain PyTorch, torchebm and ebmkit, on one and
# two threads, and writes the tables to RESULTS.md beside this file. Nothing else should run on the machine meanwhile; it
# takes about 15 minutes.
#
#   benchmarks/learning/run.sh [BUILD_FOLDER]    environment: POTLUCK_PYTHON, with numpy, torch and requirements.txt;
#                                                ROUNDS (3), RESULTS (benchmarks/learning/RESULTS.md)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:-$top/build}
python=${POTLUCK_PYTHON:-$top/.venv/bin/python}
results=${RESULTS:-$here/RESULTS.md}
lines=$build/learning.jsonl

load=$(cut -d ' ' -f 1 /proc/loadavg)
"$python" "$here/speed.py" "$build/bin/potluck" --rounds "${ROUNDS:-3}" | tee "$lines"
{
  echo "# Speed of a learned network beside peers"
  echo
  echo "Made by \`benchmarks/learning/run.sh\`: \`conv_energy\` at its presets with the same weights everywhere, 64 chains of"
  echo "28 × 28 numbers, batches of 128 rows, float32, the fastest of ${ROUNDS:-3} counts, start-up left out. Quote the ratios."
  echo
  echo "Machine: $(nproc) processors ($(lscpu | sed -n 's/^Model name: *//p' | head -n 1)), $(uname -s) $(uname -m)."
  echo "Load average when it began, of others' work: $load."
  echo
  "$python" "$here/table.py" "$lines"
} > "$results.new"
mv "$results.new" "$results"
echo "Tables: $results"
