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

if [ ! -e "$here/experts/code.safetensors" ]; then
  echo "== fitting the experts to the training images (a minute)"
  "$python" "$here/fit.py"
fi

"$top/examples/plugins/install.sh" "$build"

echo "== drawing"
"$build/installed/bin/potluck" sample "$here/wardrobe.yaml" --overwrite
echo "Pictures: $here/runs/wardrobe/pictures"
