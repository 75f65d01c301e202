#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the benchmarks, runs them and the peers on one and two threads, and writes the tables to RESULTS.md beside
# this file; on the first GPU too where there is one, else the section of the GPU that was timed last stays. Nothing
# else should run on the machine meanwhile; it takes about 15 minutes.
#
#   benchmarks/run.sh [BUILD_FOLDER]    environment: POTLUCK_PYTHON, with torch and benchmarks/requirements.txt
#                                       SECONDS_A_REPEAT (1), REPEATS (5), RESULTS (benchmarks/RESULTS.md)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/.." && pwd)
build=${1:-$top/build}
python=${POTLUCK_PYTHON:-$top/.venv/bin/python}
seconds=${SECONDS_A_REPEAT:-1}
repeats=${REPEATS:-5}
results=${RESULTS:-$here/RESULTS.md}
lines=$build/benchmarks/results.jsonl

[ -e "$build/CMakeCache.txt" ] || cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release -DPOTLUCK_BUILD_TESTS=OFF
cmake "$build" -DPOTLUCK_BUILD_BENCHMARKS=ON > "$build/benchmarks.log"
cmake --build "$build" --parallel "$(nproc)" --target langevin_benchmark >> "$build/benchmarks.log" ||
  { echo "the benchmarks did not build, see $build/benchmarks.log"; exit 1; }

: > "$lines"
load=$(cut -d ' ' -f 1 /proc/loadavg)
for threads in 1 2; do
  "$build/bin/langevin_benchmark" --threads "$threads" --seconds "$seconds" --repeats "$repeats" \
    --cases gaussian2 gaussian128 gaussian784 mixture quartic | tee -a "$lines"
  "$python" "$here/peers.py" --threads "$threads" --seconds "$seconds" --repeats "$repeats" | tee -a "$lines"
done
"$build/bin/langevin_benchmark" --seconds "$seconds" --repeats "$repeats" --cases composite noise | tee -a "$lines"

gpu=$build/benchmarks/gpu.md
if [ -e /dev/nvidiactl ]; then
  "$build/bin/langevin_benchmark" --device cuda --seconds "$seconds" --repeats "$repeats" | tee "$build/gpu.jsonl"
  "$python" "$here/peers.py" --device cuda --seconds "$seconds" --repeats "$repeats" | tee -a "$build/gpu.jsonl"
  { "$python" "$here/table.py" "$build/gpu.jsonl"; nvidia-smi --query-gpu=name --format=csv,noheader; } > "$gpu"
elif [ -e "$results" ]; then
  sed -n '/^## On a GPU/,$p' "$results" > "$gpu"
else
  : > "$gpu"
fi

{
  echo "# Speed beside peers"
  echo
  echo "Made by \`benchmarks/run.sh\`: repeats of about $seconds s, the fastest of $repeats counts, start-up and"
  echo "compilation left out. Quote the ratios, not the times."
  echo
  echo "Machine: $(nproc) processors ($(lscpu | sed -n 's/^Model name: *//p' | head -n 1)), $(uname -s) $(uname -m)."
  echo "Load average when it began, of others' work: $load."
  echo
  "$python" "$here/table.py" "$lines"
  cat "$gpu"
} > "$results.new"
mv "$results.new" "$results"
echo "Tables: $results"
