#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs Potluck's samplers and those of BlackJAX and NumPyro on the same targets with 1024 chains on two threads, and
# writes effective samples a gradient and a second to RESULTS.md beside this file. Nothing else should run on the
# machine meanwhile; it takes about 40 minutes.
#
#   benchmarks/samplers/run.sh [BUILD_FOLDER]    environment: SECONDS_A_RUN (15), CHAINS (1024), THREADS (2),
#                                                TARGETS (all), RESULTS (benchmarks/samplers/RESULTS.md)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:-$top/build}
seconds=${SECONDS_A_RUN:-15}
chains=${CHAINS:-1024}
threads=${THREADS:-2}
targets=${TARGETS:-banana gaussian double_well wardrobe wardrobe_without_walls}
results=${RESULTS:-$here/RESULTS.md}
lines=$build/samplers.jsonl
python=$top/benchmarks/.venv/bin/python

echo "== the peers' environment, benchmarks/.venv"
[ -x "$python" ] || "${POTLUCK_PYTHON:-$top/.venv/bin/python}" -m venv "$top/benchmarks/.venv"
"$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"

echo "== building"
[ -e "$build/CMakeCache.txt" ] || cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release -DPOTLUCK_BUILD_TESTS=OFF
cmake --build "$build" --parallel "$(nproc)" --target programs > "$build/samplers.log" ||
  { echo "Potluck did not build, see $build/samplers.log"; exit 1; }
case " $targets " in
  *" wardrobe"*) "$top/examples/wardrobe/run.sh" "$build" ;; # its experts and the third party's plugin
esac
"$python" "$here/targets.py"

export PYTHONWARNINGS=ignore
: > "$lines"
load=$(cut -d ' ' -f 1 /proc/loadavg)
for target in $targets; do
  for side in "own.py $build/bin/potluck" peers.py; do
    # shellcheck disable=SC2086 # two words
    "$python" "$here/"$side "$target" --chains "$chains" --threads "$threads" --seconds "$seconds" | tee -a "$lines"
  done
done

{
  echo "# Samplers beside peers"
  echo
  echo "Made by \`benchmarks/samplers/run.sh\`: $chains chains, float32, $threads threads, about $seconds s of sampling"
  echo "each; warm-up, compilation and start-up left out. Quote the ratios, not the times."
  echo
  echo "Machine: $(nproc) processors ($(lscpu | sed -n 's/^Model name: *//p' | head -n 1)), $(uname -s) $(uname -m)."
  echo "Load average when it began, of others' work: $load."
  echo
  "$python" "$here/table.py" "$lines"
} > "$results"
echo "Tables: $results"
