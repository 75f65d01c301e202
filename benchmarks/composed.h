// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/timing.h"
#include "compose/plan/plan.h"
#include "compose/tree/tree.h"
#include "core/sampling/start/start.h"
#include "plugins/registry.h"

namespace potluck::benchmarks {

/// A folder for the compositions and weights, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

  /// Writes P = I + v v' [n, n], |v| = 1: full, with eigenvalues 1 and 2. Returns the file's name.
  std::string write_precision(int64_t n) const;

 private:
  std::filesystem::path path_;
};

/// The models of this build.
Registry& installed_models();

/// A composition read from text and made ready on a device, as `potluck sample` does it.
class Composed {
 public:
  /// @param text a whole composition file. @param threads that will evaluate at once, on the CPU.
  Composed(const ScratchFolder& folder, const std::string& text, int threads, const Device& device = {});

  const Plan& plan() const { return *plan_; }
  int64_t numbers() const { return numbers_; }
  int64_t chains() const { return composition_.sample.chains; }
  const std::string& method() const { return composition_.sample.method; }

  /// Times sampling alone: start-up, starts and warm-up are left out.
  Timing time_sampling(const Effort& effort) const;

  /// Times blocks of 50 steps alone: no draw leaves the device.
  Timing time_moving(const Effort& effort) const;

  /// Times energies and gradients of one tile again and again, in this thread, on the CPU.
  Timing time_evaluation(const Effort& effort) const;

 private:
  Composition composition_;
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<Start> start_;
  int threads_;
  int64_t numbers_ = 0;
};

/// "potluck: 1 ..." of one variable x [n], the energies given as lines of YAML, of which `target` is sampled.
std::string composition_text(int64_t n, const std::vector<std::string>& energies, const std::string& target,
                             const std::string& method, double step_size, int64_t chains);

}  // namespace potluck::benchmarks
