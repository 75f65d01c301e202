// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <potluck/engine.h>

#include <string>

/// Plugins of this build.
inline potluck::engine::Plugins shipped_plugins() {
  return potluck::engine::Plugins({.first = {{POTLUCK_MODELS_DIR, "build"}}});
}

/// The product of N(0, 1) and N(2, 1) in `numbers` coordinates: N(1, 1/2), E(x) = x^2/2 + (x - 2)^2/2 in each.
inline std::string two_bumps(const std::string& variable = "{shape: [3]}", const std::string& sample = "{}",
                             const std::string& more = "") {
  return "potluck: 1\nvariables:\n  x: " + variable +
         "\nenergies:\n"
         "  left: {model: gaussian, settings: {mean: 0}, inputs: x}\n"
         "  right: {model: gaussian, settings: {mean: 2}, inputs: x}\n"
         "  both: {product: [left, right]}\n"
         "target: both\n"
         "sample: " +
         sample + "\n" + more;
}

/// Calls `work`, which must throw an error of the face.
template <class Work>
potluck::engine::Error error_of(const Work& work) {
  try {
    work();
  } catch (const potluck::engine::Error& error) {
    return error;
  }
  return potluck::engine::Error(potluck::engine::Error::Kind::kNumbers, "nothing was thrown");
}
