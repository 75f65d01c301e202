// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sub.h>

#include <algorithm>

#include "models/gaussian/conditioned_law.h"
#include "models/gaussian/device_finish.h"
#include "models/gaussian/evaluation.h"
#include "models/normal/device_array.h"
#include "models/normal/lanes.h"
#include "potluck/torch/border.hpp"

namespace potluck::models {
namespace {

using plugin::tensor_view;

using Run = ConditionedLaw::Run;

/// Rows of all coordinates, and which of them are free.
struct Rows {
  int64_t count, size;  ///< rows, coordinates of one
  std::span<const Run> free, held;
};

/// d = x_f - m for every row [rows, n].
template <class Real>
POTLUCK_INLINE void subtract(const Real* x, const Real* mean, const Rows& rows, int64_t n, Real* difference) {
  for (int64_t b = 0; b < rows.count; ++b) {
    Real* to = difference + b * n;
    const Real* centre = mean;
    for (const Run& run : rows.free) {
      const Real* from = x + b * rows.size + run.first;
      for (int64_t i = 0; i < run.length; ++i) to[i] = from[i] - centre[i];
      to += run.length;
      centre += run.length;
    }
  }
}
POTLUCK_VECTOR_VERSIONS void subtract_mean(const float* x, const float* mean, const Rows& rows, int64_t n, float* d) {
  subtract(x, mean, rows, n, d);
}
POTLUCK_VECTOR_VERSIONS void subtract_mean(const double* x, const double* mean, const Rows& rows, int64_t n,
                                           double* d) {
  subtract(x, mean, rows, n, d);
}

/// The pass over the products. energy[b] = constant + (sum_i left[b, i] right[b, i] scale[i] + sum_k latent[b, k]^2) /
/// 2, in double in eight partial sums, and the gradient is right * scale where coordinates are free and 0 where they
/// are held. scale null: 1; latent null: none.
template <class Real>
struct Finish {
  Rows rows;
  int64_t n, rank;
  const Real *left, *right, *scale, *latent;
  double constant;
  double* energy;
  Real* gradient;  // null where not wanted, or where `right` already stands there as wanted
  const double* row_weight;
  bool accumulate;
};

template <class Real, bool kScaled>
POTLUCK_INLINE double half_square(const Finish<Real>& task, int64_t b) {
  constexpr int64_t kPartial = 8;
  const Real* left = task.left + b * task.n;
  const Real* right = task.right + b * task.n;
  double partial[kPartial] = {};
  int64_t i = 0;
  for (; i + kPartial <= task.n; i += kPartial)
    for (int64_t k = 0; k < kPartial; ++k) {
      const Real scaled = kScaled ? right[i + k] * task.scale[i + k] : right[i + k];
      partial[k] += static_cast<double>(left[i + k] * scaled);
    }
  for (int64_t k = 0; i < task.n; ++i, ++k) {
    const Real scaled = kScaled ? right[i] * task.scale[i] : right[i];
    partial[k] += static_cast<double>(left[i] * scaled);
  }
  for (int64_t k = 0; k < task.rank; ++k) {
    const double factor = task.latent[b * task.rank + k];
    partial[k % kPartial] += factor * factor;
  }
  return 0.5 * (((partial[0] + partial[1]) + (partial[2] + partial[3])) +
                ((partial[4] + partial[5]) + (partial[6] + partial[7])));
}

/// gradient (+)= weight * right * scale for `count` coordinates.
template <class Real>
POTLUCK_INLINE void put_gradient(const Real* right, const Real* scale, Real weight, bool accumulate, int64_t count,
                                 Real* gradient) {
  if (scale == nullptr && accumulate)
    for (int64_t i = 0; i < count; ++i) gradient[i] += weight * right[i];
  else if (scale == nullptr)
    for (int64_t i = 0; i < count; ++i) gradient[i] = weight * right[i];
  else if (accumulate)
    for (int64_t i = 0; i < count; ++i) gradient[i] += weight * (right[i] * scale[i]);
  else
    for (int64_t i = 0; i < count; ++i) gradient[i] = weight * (right[i] * scale[i]);
}

template <class Real>
POTLUCK_INLINE void finish_rows(const Finish<Real>& task) {
  const Rows& rows = task.rows;
  for (int64_t b = 0; b < rows.count; ++b) {
    if (task.energy != nullptr)
      task.energy[b] = task.constant +
                       (task.scale != nullptr ? half_square<Real, true>(task, b) : half_square<Real, false>(task, b));
    if (task.gradient == nullptr) continue;
    Real* gradient = task.gradient + b * rows.size;
    const Real weight = task.row_weight != nullptr ? static_cast<Real>(task.row_weight[b]) : Real(1);
    int64_t at = 0;
    for (const Run& run : rows.free) {
      put_gradient(task.right + b * task.n + at, task.scale != nullptr ? task.scale + at : nullptr, weight,
                   task.accumulate, run.length, gradient + run.first);
      at += run.length;
    }
    if (task.accumulate) continue;
    for (const Run& run : rows.held) std::fill_n(gradient + run.first, run.length, Real(0));
  }
}
POTLUCK_VECTOR_VERSIONS void finish(const Finish<float>& task) { finish_rows(task); }
POTLUCK_VECTOR_VERSIONS void finish(const Finish<double>& task) { finish_rows(task); }

at::Tensor to_torch(const Matrix& matrix, const at::TensorOptions& options) {
  return tensor_view(matrix.data(), {matrix.rows(), matrix.cols()}, at::kCPU).to(options, false, true);
}

template <class Real>
class MatrixEvaluation final : public Evaluation<Real> {
 public:
  MatrixEvaluation(const ConditionedLaw& conditioned, const plugin::Setup& setup)
      : device_(plugin::torch_device(setup)),
        options_(plugin::torch_options(setup)),
        size_(conditioned.coordinates()),
        held_numbers_(setup.held().begin(), setup.held().end()),
        held_values_(setup.held_values().begin(), setup.held_values().end()),
        free_(conditioned.free_runs()),
        held_(conditioned.held_runs()) {
    if (conditioned.conditioned()) {
      free_index_ = DeviceArray<int64_t>(setup, ConditionedLaw::indices(free_));
      held_index_ = DeviceArray<int64_t>(setup, ConditionedLaw::indices(held_));
    }
    take(conditioned);
  }
  void update(const GaussianLaw& law) override {
    plugin::with_torch_errors([&] { take(ConditionedLaw(law, size_, held_numbers_, held_values_)); });
  }
  bool dense() const { return precision_.defined(); }
  bool batch_invariant() const override { return false; }  // LibTorch chooses other loops for other sizes
  size_t workspace_bytes_a_row() const override {
    const int64_t numbers = dense() ? 2 * n_ : n_ + rank_;
    return static_cast<size_t>(numbers) * sizeof(Real);
  }

  void evaluate(const plugin::Call<Real>& call) const override {
    plugin::with_torch_errors([&] {
      const plugin::TorchBorder border(call, device_, /*grad=*/false);
      device_.is_cuda() ? on_cuda(call) : on_cpu(call);
    });
  }

 private:
  void take(const ConditionedLaw& conditioned) {
    const GaussianLaw& law = conditioned.law();
    constant_ = conditioned.constant();
    const Vector& mean = std::visit([](const auto& form) -> const Vector& { return form.mean(); }, law);
    n_ = mean.size();
    has_mean_ = !mean.isZero(0);
    mean_ = to_torch(mean.transpose(), options_).view({n_});
    if (const DenseNormal* dense = std::get_if<DenseNormal>(&law)) {
      precision_ = to_torch(dense->precision(), options_);
    } else {
      const LowRankNormal& low_rank = std::get<LowRankNormal>(law);
      rank_ = low_rank.rank();
      scale_ = to_torch(low_rank.variance().cwiseInverse().transpose(), options_).view({n_});
      latent_ = to_torch(low_rank.latent().transpose(), options_);
      factor_ = to_torch(low_rank.factor().transpose(), options_);
    }
  }

  /// P d can be written where the gradient is wanted.
  bool in_place(const plugin::Call<Real>& call) const {
    return call.gradient() != nullptr && !call.accumulate() && call.row_weights() == nullptr && held_.empty();
  }

  void on_cpu(const plugin::Call<Real>& call) const {
    const int64_t rows = call.rows();
    const Rows all = {rows, size_, free_, held_};
    Real* difference = call.template workspace<Real>();
    Real* second = difference + rows * n_;  // P d, or the latent factors
    subtract_mean(call.input(), mean_.template const_data_ptr<Real>(), all, n_, difference);
    at::Tensor d = tensor_view(difference, {rows, n_}, device_);
    Finish<Real> task = {all,
                         n_,
                         0,
                         difference,
                         difference,
                         nullptr,
                         nullptr,
                         constant_,
                         call.energy(),
                         call.gradient(),
                         call.row_weights(),
                         call.accumulate()};
    if (dense()) {
      if (in_place(call)) second = call.gradient();
      at::Tensor product = tensor_view(second, {rows, n_}, device_);
      at::mm_out(product, d, precision_);
      task.right = second;
      if (in_place(call)) task.gradient = nullptr;
    } else {
      subtract_latent(d, second);
      task.rank = rank_;
      task.latent = second;
      task.scale = scale_.template const_data_ptr<Real>();
    }
    finish(task);
  }

  /// u = d A' and d -= u W', which leaves x - m - W u.
  void subtract_latent(at::Tensor& d, Real* latent) const {
    if (rank_ == 0) return;
    at::Tensor u = tensor_view(latent, {d.size(0), rank_}, device_);
    at::mm_out(u, d, latent_);
    at::addmm_out(d, d, u, factor_, 1, -1);
  }

#ifdef POTLUCK_HAVE_CUDA
  void on_cuda(const plugin::Call<Real>& call) const {
    const int64_t rows = call.rows();
    Real* workspace = call.template workspace<Real>();
    DeviceFinish<Real> task;
    task.rows = rows;
    task.n = n_;
    task.size = size_;
    task.constant = constant_;
    if (!held_.empty()) {
      task.free = free_index_.data();
      task.held = held_index_.data();
      task.held_count = static_cast<int64_t>(held_index_.size());
    }
    task.left = call.input();
    task.mean = has_mean_ ? mean_.template const_data_ptr<Real>() : nullptr;
    task.energy = call.energy();
    task.gradient = call.gradient();
    task.row_weight = call.row_weights();
    task.accumulate = call.accumulate();
    if (!dense()) {
      task.scale = scale_.template const_data_ptr<Real>();
      task.rank = rank_;
    }
    if (dense() || rank_ > 0) {
      at::Tensor d = tensor_view(workspace, {rows, n_}, device_);
      if (!held_.empty()) {
        subtract_on_device(task, workspace, call.stream());
      } else if (has_mean_ || rank_ > 0) {
        at::sub_out(d, tensor_view(call.input(), {rows, n_}, device_), mean_);
      } else {
        d = tensor_view(call.input(), {rows, n_}, device_);
      }
      if (!held_.empty() || has_mean_ || rank_ > 0) {
        task.left = workspace;
        task.mean = nullptr;
      }
      Real* second = workspace + rows * n_;  // P d, or the latent factors
      if (dense()) {
        if (in_place(call)) {
          second = call.gradient();
          task.gradient = nullptr;
        }
        at::Tensor product = tensor_view(second, {rows, n_}, device_);
        at::mm_out(product, d, precision_);
        task.right = second;
      } else {
        subtract_latent(d, second);
        task.latent = second;
      }
    }
    finish_on_device(task, call.stream());
  }
#else
  void on_cuda(const plugin::Call<Real>&) const {}
#endif

  at::Device device_;
  at::TensorOptions options_;
  int64_t size_;         // coordinates of x
  double constant_ = 0;  // of what is held
  std::vector<uint8_t> held_numbers_;
  std::vector<double> held_values_;
  std::vector<Run> free_, held_;
  DeviceArray<int64_t> free_index_, held_index_;  // empty where nothing is held
  int64_t n_ = 0, rank_ = 0;                      // of the free coordinates' law
  bool has_mean_ = false;
  at::Tensor mean_;
  at::Tensor precision_;                // [n, n], dense
  at::Tensor scale_, latent_, factor_;  // 1 / v [n], A' [n, r], W' [r, n]
};

}  // namespace

template <class Real>
std::unique_ptr<Evaluation<Real>> matrix_evaluation(const GaussianLaw& law, const plugin::Setup& setup) {
  return plugin::with_torch_errors(
      [&] { return std::make_unique<MatrixEvaluation<Real>>(ConditionedLaw(law, setup), setup); });
}
template std::unique_ptr<Evaluation<float>> matrix_evaluation(const GaussianLaw&, const plugin::Setup&);
template std::unique_ptr<Evaluation<double>> matrix_evaluation(const GaussianLaw&, const plugin::Setup&);

#ifdef POTLUCK_HAVE_CUDA
bool matrix_evaluation_has_cuda() { return plugin::TorchBorder::kCuda; }
#else
bool matrix_evaluation_has_cuda() { return false; }
#endif

}  // namespace potluck::models
