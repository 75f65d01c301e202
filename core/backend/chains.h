// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/sampling/method.h"

namespace potluck {

/// Chains 0 ... min(chains, kCohortChains) - 1 tune the method for all.
inline constexpr int64_t kCohortChains = 256;

/// What the host reads of the chains between blocks; [chains] unless said otherwise.
struct ChainsState {
  std::vector<std::vector<std::byte>> position;  ///< [variables]: [chains, n], the run's precision or int64
  std::vector<double> energy;
  std::vector<double> expert_energy;  ///< [experts, chains]
  std::vector<uint8_t> frozen;
  std::vector<uint32_t> frozen_step;
  std::vector<uint32_t> nan_proposals;
  std::vector<double> acceptance;  ///< sums since the state was last read
  std::vector<double> clipped;     ///< sums since the state was last read
};

/// All chains of a run on one device.
class Chains {
 public:
  enum class Part { kCohort, kRest, kAll };

  virtual ~Chains() = default;

  virtual int64_t count() const = 0;

  /// Sets positions of chains first ... first + rows - 1 from [rows, n] doubles per variable. Held coordinates keep
  /// their given values.
  virtual void write(int64_t first, int64_t rows, const double* const* position) = 0;

  /// Energy and gradient at the positions; freezes nothing.
  virtual void evaluate() = 0;

  /// Freezes chains whose state is not finite, as of `step`.
  virtual void freeze_failed(uint32_t step) = 0;

  /// Moves a part of the chains by some steps.
  virtual void advance(const Method& method, Part part, StepRange steps) = 0;

  /// Sums of acceptance probabilities of the cohort's chains since the last reading, in the order of the chains, and
  /// which of them are frozen. Starts the sums anew.
  virtual void take_cohort_acceptance(std::vector<double>& sums, std::vector<uint8_t>& frozen) = 0;

  /// Copies everything to the host and starts the sums anew.
  virtual void read(ChainsState& state) = 0;
};

/// Chains on the device of the target's energy. `threads` counts on the CPU only.
/// @throws SettingError where this build has no backend for that device, or the energy is made for too few rows.
std::unique_ptr<Chains> make_chains(const Target& target, int64_t chains, uint32_t seed, int threads, bool proposes);

}  // namespace potluck
