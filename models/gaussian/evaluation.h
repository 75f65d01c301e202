// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "models/gaussian/gaussian_law.h"
#include "potluck/model.hpp"

namespace potluck::models {

/// How a Gaussian's energy (x - m)' P (x - m) / 2 and gradient P (x - m) are computed for a batch.
template <class Real>
class Evaluation {
 public:
  virtual ~Evaluation() = default;
  virtual size_t workspace_bytes() const { return 0; }
  virtual size_t workspace_bytes_a_row() const { return 0; }
  virtual bool batch_invariant() const { return true; }
  virtual void evaluate(const plugin::Call<Real>& call) const = 0;
  /// Another law of the same form takes its place. On the CPU, and not while rows are evaluated.
  virtual void update(const GaussianLaw& law) = 0;
};

/// Up to this many coordinates a matrix is applied to rows side by side, in plain loops; above it by LibTorch's matrix
/// product, whose call costs more than all of the arithmetic here.
inline constexpr int64_t kMostInLoops = 32;

/// Plain loops on the CPU: a diagonal precision of any size, or any other up to kMostInLoops.
template <class Real>
std::unique_ptr<Evaluation<Real>> loop_evaluation(const GaussianLaw& law);

/// LibTorch's matrix products over the host's own arrays, on the CPU or the GPU, for every form.
template <class Real>
std::unique_ptr<Evaluation<Real>> matrix_evaluation(const GaussianLaw& law, const plugin::Setup& setup);

/// Whether matrix_evaluation was built for CUDA.
bool matrix_evaluation_has_cuda();

inline bool is_diagonal(const GaussianLaw& law) {
  const LowRankNormal* low_rank = std::get_if<LowRankNormal>(&law);
  return low_rank != nullptr && low_rank->rank() == 0;
}

}  // namespace potluck::models
