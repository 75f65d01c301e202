#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Draws from the trained weights: 100 garments of each kind, 1000 of any kind, lower halves, and, with the third party's
# plugin built out of tree against an installed Potluck, the composite. Then measures them and makes garments.png.
#
#   examples/garments/run.sh [BUILD_FOLDER]    environment: POTLUCK_PYTHON
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:-$top/build}
python=${POTLUCK_PYTHON:-$top/.venv/bin/python}

"$top/examples/plugins/install.sh" "$build"

draw() { "$build/installed/bin/potluck" sample "$@" --overwrite --quiet; }
cd "$here"
for label in 0 1 2 3 4 5 6 7 8 9; do
  echo "== drawing 100 garments with label $label"
  draw conditional.yaml --given "label=$label" --seed "$((label + 1))" --output "runs/conditional-$label"
done
echo "== drawing 1000 garments of any kind"
draw unconditional.yaml
echo "== drawing lower halves"
draw lower_half.yaml
draw composite.yaml

echo "== measuring"
"$python" measure.py runs/conditional-?
"$python" measure.py runs/unconditional
"$python" picture.py runs/conditional-?
echo "Pictures: $here/garments.png and $here/runs/*/pictures"
