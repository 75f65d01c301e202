// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "potluck/torch_model.hpp"

namespace potluck::models {

/// An energy that AOTInductor compiled, with its gradients: package(x[, noise][, label][, given]) -> energy [B] and
/// dE/dinput for each continuous input in this order, at the one batch size B that it was compiled for.
///
/// Rows are cut into batches of B; the last is filled up with copies of its first row. What potluck.export() writes
/// beside the code, its metadata, says B, the type of its numbers and its inputs.
class EnergyPackage {
 public:
  /// Loads it and evaluates it once. @throws Failure about the setting `module`
  explicit EnergyPackage(const plugin::Setup& setup);
  ~EnergyPackage();

  int64_t batch() const { return batch_; }

  /// Of one batch: the energy, then the gradients of the inputs that are defined and continuous.
  /// @param inputs  [batch, ...] each, undefined where left out
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs, void* stream) const;

 private:
  struct Loader;

  void read_metadata(const plugin::Setup& setup);
  void probe(const plugin::Setup& setup) const;

  std::unique_ptr<Loader> loader_;
  int64_t batch_ = 0;
};

}  // namespace potluck::models
