// SPDX-License-Identifier: Apache-2.0
#include "core/chains/blurred.h"

#include <algorithm>

#include "core/random/philox.h"

namespace potluck {

namespace {

/// 0 where `chosen` holds of a number that noise blurs, else 1; empty where there is no such number.
template <class Chosen>
std::vector<uint8_t> mask_of(const ChainsOptions& options, size_t variable, const Chosen& chosen) {
  if (variable >= options.blurred.size()) return {};
  const std::vector<uint8_t>& blurred = options.blurred[variable];
  std::vector<uint8_t> mask(blurred.size(), 1);
  for (size_t j = 0; j < blurred.size(); ++j)
    if (blurred[j] && chosen(j)) mask[j] = 0;
  if (std::find(mask.begin(), mask.end(), uint8_t{0}) == mask.end()) return {};
  return mask;
}

bool is_held(const Held& held, size_t j) { return held.any() && held.mask[j] != 0; }

}  // namespace

std::vector<uint8_t> flow_leaves(const ChainsOptions& options, const Held& held, size_t variable) {
  return mask_of(options, variable, [&](size_t j) { return !is_held(held, j); });
}

std::vector<uint8_t> given_without_noise(const ChainsOptions& options, const Held& held, size_t variable) {
  if (!options.noisy_given) return {};
  return mask_of(options, variable, [&](size_t j) { return is_held(held, j); });
}

NoisyGiven noisy_given_of(const Variable& variable) {
  NoisyGiven given;
  given.n = variable.size();
  given.key = variable_key(variable.name);
  given.least = variable.least;
  given.most = variable.most;
  given.faces = variable.has_face();
  return given;
}

}  // namespace potluck
