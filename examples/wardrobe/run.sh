#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job: fits the experts if they are not there, builds the third party's plugin out of tree against an
# installed Potluck, and draws 64 lower halves.
#
#   examples/wardrobe/run.sh [BUILD_FOLDER]    environment: POTLUCK_PYTHON
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:-$top/build}
python=${POTLUCK_PYTHON:-$top/.venv/bin/python}
plugin=$top/examples/plugins/acme_smoothness

if [ ! -e "$here/experts/code.safetensors" ]; then
  echo "== fitting the experts to the training images (a minute)"
  "$python" "$here/fit.py"
fi

echo "== building the third party's plugin against an installed Potluck"
cmake --install "$build" --prefix "$build/installed" > "$build/install.log" ||
  { echo "the installation failed, see $build/install.log"; exit 1; }
cmake -S "$plugin" -B "$plugin/build" -DCMAKE_PREFIX_PATH="$build/installed" -DCMAKE_BUILD_TYPE=Release \
  > "$plugin/build.log" && cmake --build "$plugin/build" >> "$plugin/build.log" ||
  { echo "the plugin did not build, see $plugin/build.log"; exit 1; }

echo "== drawing"
"$build/installed/bin/potluck" sample "$here/wardrobe.yaml" --overwrite
echo "Pictures: $here/runs/wardrobe/pictures"
