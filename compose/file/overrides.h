// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/file/file.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// Changes `root` as the command line says. What an override brings has the place "--set sample.steps",
/// "--given label", or that of the option that said it: "--until rhat".
///
/// A path of --set goes through maps by key and through lists by index: "energies.scene.product[2].weight". Its value
/// is YAML. --given replaces the given of that name or adds one; its value is a number, a list, a file, or a map of the
/// given's keys. A file without a scale keeps the scale of the given that it replaces.
void apply_overrides(const Overrides& overrides, Yaml& root, Diagnostics& diagnostics);

}  // namespace potluck
