#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Potluck from a build folder into its `installed`, and builds the plugin acme_smoothness against it, as a third
# party does: outside Potluck's own build.
#
#   examples/plugins/install.sh BUILD_FOLDER
set -euo pipefail
build=$1
plugin=$(cd "$(dirname "$0")" && pwd)/acme_smoothness

echo "== building the third party's plugin against an installed Potluck"
cmake --install "$build" --prefix "$build/installed" > "$build/install.log" ||
  { echo "the installation failed, see $build/install.log"; exit 1; }
cmake -S "$plugin" -B "$plugin/build" -DCMAKE_PREFIX_PATH="$build/installed" -DCMAKE_BUILD_TYPE=Release \
  > "$plugin/build.log" && cmake --build "$plugin/build" >> "$plugin/build.log" ||
  { echo "the plugin did not build, see $plugin/build.log"; exit 1; }
