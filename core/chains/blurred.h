// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/chains/chains.h"
#include "core/precision.h"

namespace potluck {

inline void store(Precision precision, void* to, int64_t index, double value) {
  if (precision == Precision::kFloat32) {
    static_cast<float*>(to)[index] = static_cast<float>(value);
  } else {
    static_cast<double*>(to)[index] = value;
  }
}

/// Which numbers of a variable the probability flow leaves alone: those that are held, or that noise does not blur.
/// Empty: noise blurs none of the variable.
std::vector<uint8_t> flow_leaves(const ChainsOptions& options, const Held& held, size_t variable);

/// Which numbers of a variable are not given, or wear no noise. Empty: none of it wears any.
std::vector<uint8_t> given_without_noise(const ChainsOptions& options, const Held& held, size_t variable);
inline bool wears_noise(const ChainsOptions& options, const Held& held, size_t variable) {
  return !given_without_noise(options, held, variable).empty();
}

/// The given numbers of a variable that wear noise, without arrays.
NoisyGiven noisy_given_of(const Variable& variable);

}  // namespace potluck
