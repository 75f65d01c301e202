// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/backend/thread_pool.h"
#include "core/learning/batch.h"
#include "core/learning/learnable.h"

namespace potluck {

/// Evaluates a learnable energy at batches of the host, whatever the energy's device. Rows are cut into the same pieces
/// for any number of threads, so the bits do not depend on it. One thread at a time.
class BatchEnergy {
 public:
  /// @param threads  of the CPU. Both outlive the object
  BatchEnergy(Learnable& learnable, ThreadPool& threads);

  Learnable& learnable() { return learnable_; }
  ThreadPool& threads() { return threads_; }
  const std::vector<Variable>& variables() const { return learnable_.energy().variables(); }
  Precision precision() const { return learnable_.energy().precision(); }

  /// @param energy    [rows]
  /// @param gradient  of the variables that are named, each [rows, n] like the batch's; null: none is wanted
  void evaluate(const Batch& at, double* energy, const std::vector<size_t>& wanted = {}, Batch* gradient = nullptr);

  /// Learnable::add_gradient. @param cotangent  [rows], or null  @param moved  the variables that `tangent` moves
  void add_gradient(const Batch& at, const double* cotangent, const std::vector<size_t>& moved, const Batch* tangent,
                    std::vector<std::vector<double>>& sums);

 private:
  /// Memory on the device that grows with what is asked for; on the CPU the host's own is used.
  class Staging {
   public:
    const void* there(const Learnable& learnable, const void* host, size_t bytes);
    void* room(const Learnable& learnable, size_t bytes);

   private:
    std::shared_ptr<void> memory_;
    size_t bytes_ = 0;
  };

  size_t row_bytes(size_t variable) const;
  void evaluate_piece(const Batch& at, int64_t first, int64_t rows, double* energy, void* const* gradient, int worker);
  void evaluate_on_device(const Batch& at, double* energy, const std::vector<size_t>& wanted, Batch* gradient);

  Learnable& learnable_;
  ThreadPool& threads_;
  const bool on_cpu_;
  std::vector<std::vector<std::byte>> workspace_;  ///< [workers]
  std::vector<Staging> position_, other_;          ///< [variables]
  Staging energy_, device_workspace_;
  std::vector<Staging> sum_;  ///< [arrays]
};

}  // namespace potluck
