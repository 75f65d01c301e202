#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two runs of the trained weights, in seconds: ankle boots that nobody has seen, and a composition that nobody trained,
# the learned garment times a third party's plugin times a given upper half.
#
#   examples/garments/demo.sh [BUILD_FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:-$top/build}

"$top/examples/plugins/install.sh" "$build"
echo "== drawing ankle boots from the learned energy"
"$build/installed/bin/potluck" sample "$here/conditional.yaml" --given label=9 --overwrite
echo "== drawing from the learned energy x the third party's plugin x a given upper half"
"$build/installed/bin/potluck" sample "$here/composite.yaml" --overwrite
echo "Pictures: $here/runs/conditional/pictures and $here/runs/composite/pictures"
