// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/backend/row_sums.h"
#include "core/methods/method.h"

namespace potluck {

/// What the host reads of the chains between blocks; [chains] unless said otherwise. Of the sums those that are read
/// with every draw; the others are empty.
struct ChainsState : RowSums<HostArray> {
  std::vector<std::vector<std::byte>> position;  ///< [variables]: [chains, n], the run's precision or int64
  std::vector<std::vector<std::byte>> gradient;  ///< likewise, only of read_gradients; empty where nothing moves
  std::vector<double> energy;
  std::vector<double> expert_energy;  ///< [experts, chains]
  std::vector<uint8_t> frozen;
  std::vector<uint32_t> frozen_step;
  std::vector<double> energy_sums;  ///< [energy_sum_count(experts), chains] since they were last cleared, or empty
  // Where there are ladders, as in Group:
  std::vector<uint32_t> swap_attempts, round_trips;  ///< since they were last cleared
  std::vector<double> swap_acceptance;               ///< sums since they were last cleared
  std::vector<uint32_t> replica;
};

/// What warm-up reads of the cohort after each step, [cohort]. The sums are those that it tunes by, since the last
/// reading or since the run began; the others are empty.
struct CohortReading : RowSums<HostArray> {
  std::vector<uint8_t> frozen;
  std::vector<uint32_t> swap_attempts;  ///< where there are ladders
  std::vector<double> swap_acceptance;  ///< where there are ladders
  std::vector<uint32_t> replica;        ///< as in Group, where there are ladders
};

/// Positions and gradients of the cohort in free and held coordinates, per variable: [cohort, n]; empty for a variable
/// that does not move.
struct CohortPositions {
  std::vector<std::vector<double>> position, gradient;
};

/// Chains 0 ... cohort_size() - 1 tune the method for all: 256, or the most below that which whole ladders make; 0
/// where not even one does.
int64_t cohort_size(int64_t ladder);

struct ChainsOptions {
  int64_t chains = 64;  ///< rows in all; the first cohort_size() of them have the ids 0, 1, ...
  int64_t rest = -1;    ///< id of the first chain behind the cohort, where a rank skips some; -1: none is skipped
  int64_t ladder = 1;   ///< neighbouring chains that are never split; divides `chains`
  uint32_t seed = 1;
  int threads = 1;  ///< on the CPU only
  /// Numbers that a moving level of noise blurs, [n] per variable, 1: it does; empty: none of it. None: nothing does.
  std::vector<std::vector<uint8_t>> blurred = {};
  bool noisy_given = false;  ///< those of them that are held wear noise: blur_given()
  Needs needs;
};

/// All chains of a run on one device.
class Chains {
 public:
  enum class Part { kCohort, kRest, kAll };

  virtual ~Chains() = default;

  virtual int64_t count() const = 0;

  /// Rows that one evaluation of a part has, with those that fill up its tiles.
  virtual int64_t rows(Part part) const = 0;

  /// Sets positions of chains first ... first + rows - 1, counted from the first one here, from [rows, n] doubles per
  /// variable. Held coordinates keep their given values.
  virtual void write(int64_t first, int64_t rows, const double* const* position) = 0;

  /// Energy and gradient at the positions; freezes nothing.
  virtual void evaluate() = 0;

  /// Freezes chains whose state is not finite, as of `step`.
  virtual void freeze_failed(uint32_t step) = 0;

  /// Draws what the method keeps beside positions (Method::begin), as of `step`.
  virtual void begin(const Method& method, uint32_t step) = 0;

  /// Moves a part of the chains by some steps.
  /// @param meanwhile  work that neither needs the chains nor changes them, unless empty: called once, while they move,
  /// on
  ///   this thread or another one of theirs, and done on return. What it throws is thrown here; where moving fails it
  ///   may not have been called.
  virtual void advance(const Method& method, Part part, StepRange steps, const std::function<void()>& meanwhile) = 0;
  void advance(const Method& method, Part part, StepRange steps) { advance(method, part, steps, {}); }

  /// The scale s of the diagonal metric, [n] per variable; 1 before. An empty entry leaves that of its variable as it
  /// is: blocks of a sweep have metrics of their own.
  virtual void set_metric(const std::vector<std::vector<double>>& scale) = 0;

  /// The blocks' centres, [n] per variable; 0 before. An empty entry leaves that of its variable as it is.
  virtual void set_centre(const std::vector<std::vector<double>>& centre) = 0;

  /// Temperatures and factors of the step size of the `ladder` neighbouring chains, the same in every ladder. Empty:
  /// the temperature of the target and the method's step size, as before the first call.
  virtual void set_ladder(const std::vector<double>& temperature, const std::vector<double>& step_factor) = 0;

  /// Sets the numbers of a variable of real numbers that is held whole, in every chain, where energies read them. They
  /// are given values before the first call; save() does not keep them. Energies and gradients are those of before
  /// until evaluate().
  virtual void set_given(int variable, double value) = 0;

  /// Kernels::flow of all chains, in the free numbers that noise blurs. Energies and gradients are those of before
  /// until evaluate().
  virtual void flow(double amount) = 0;

  /// Kernels::blur_given of all chains, whatever is written to them later; save() may not keep it. Energies and
  /// gradients are those of before until evaluate().
  virtual void blur_given(double deviation, uint32_t step) = 0;

  /// Reads what the cohort's chains counted since the last reading, in the order of the chains, and starts their sums
  /// anew.
  virtual void take_cohort(CohortReading& reading) = 0;
  virtual void read_cohort(CohortPositions& positions) = 0;

  /// Copies everything to the host.
  virtual void read(ChainsState& state) = 0;
  /// Copies the gradients at the current positions to the host.
  virtual void read_gradients(ChainsState& state) = 0;
  /// Starts the sums and the divergences of all chains anew, those of energies about the present ones.
  virtual void clear_sums() = 0;

  /// Everything that changes as the chains move, bit for bit. `restore` takes what `save` of chains made alike gave.
  virtual std::vector<std::byte> save() = 0;
  /// @throws SettingError where `saved` has another size.
  virtual void restore(std::span<const std::byte> saved) = 0;
};

/// Chains on the device of the target's energy.
/// @throws SettingError where this build has no backend for that device, or the energy is made for too few rows.
std::unique_ptr<Chains> make_chains(const Target& target, const ChainsOptions& options);

}  // namespace potluck
