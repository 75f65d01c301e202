// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "models/gaussian/evaluation.h"
#include "models/normal/lanes.h"

namespace potluck::models {
namespace {

/// Rows side by side in lanes: x - m [n, kLanes] and P (x - m) [n, kLanes]. `precision` is P [n, n], or its diagonal.
template <class Real>
struct LaneTask {
  const Real *mean, *precision, *x;
  int64_t n, rows;
  bool diagonal;
  double* energy;
  Real* gradient;
  const double* row_weight;
  bool accumulate;
  Real* workspace;  // [2, n, kLanes]
};

template <class Real>
POTLUCK_INLINE void run_lanes(const LaneTask<Real>& task) {
  const int64_t n = task.n;
  Real* difference = task.workspace;
  Real* product = task.workspace + n * kLanes;
  for (int64_t first = 0; first < task.rows; first += kLanes) {
    const int64_t count = std::min(kLanes, task.rows - first);
    load_next_rows(task.x, n, first, count, difference);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t l = 0; l < kLanes; ++l) difference[i * kLanes + l] -= task.mean[i];
    if (task.diagonal) {
      for (int64_t i = 0; i < n; ++i)
        for (int64_t l = 0; l < kLanes; ++l) product[i * kLanes + l] = task.precision[i] * difference[i * kLanes + l];
    } else {
      multiply_lanes<Real>(task.precision, n, n, difference, nullptr, Real(1), product);
    }
    if (task.energy != nullptr) {
      double sum[kLanes] = {};
      dot_lanes(difference, product, n, sum);
      for (int64_t l = 0; l < count; ++l) task.energy[first + l] = 0.5 * sum[l];
    }
    if (task.gradient != nullptr)
      store_next_rows(product, n, first, count, task.row_weight, task.accumulate, task.gradient);
  }
}
POTLUCK_VECTOR_VERSIONS void run(const LaneTask<float>& task) { run_lanes(task); }
POTLUCK_VECTOR_VERSIONS void run(const LaneTask<double>& task) { run_lanes(task); }

/// One row after the other, for a diagonal precision and many coordinates. Eight partial sums of the energy, added in a
/// fixed order, leave the loop to vector instructions.
template <class Real>
POTLUCK_INLINE void run_diagonal_rows(const LaneTask<Real>& task) {
  constexpr int64_t kPartial = 8;
  const int64_t n = task.n;
  for (int64_t b = 0; b < task.rows; ++b) {
    const Real* x = task.x + b * n;
    if (task.energy != nullptr) {
      double partial[kPartial] = {};
      int64_t i = 0;
      for (; i + kPartial <= n; i += kPartial)
        for (int64_t k = 0; k < kPartial; ++k) {
          const Real difference = x[i + k] - task.mean[i + k];
          partial[k] += static_cast<double>(difference * (task.precision[i + k] * difference));
        }
      for (int64_t k = 0; i < n; ++i, ++k) {
        const Real difference = x[i] - task.mean[i];
        partial[k] += static_cast<double>(difference * (task.precision[i] * difference));
      }
      task.energy[b] = 0.5 * (((partial[0] + partial[1]) + (partial[2] + partial[3])) +
                              ((partial[4] + partial[5]) + (partial[6] + partial[7])));
    }
    if (task.gradient != nullptr) {
      Real* gradient = task.gradient + b * n;
      const Real weight = task.row_weight != nullptr ? static_cast<Real>(task.row_weight[b]) : Real(1);
      if (task.accumulate)
        for (int64_t i = 0; i < n; ++i) gradient[i] += weight * (task.precision[i] * (x[i] - task.mean[i]));
      else
        for (int64_t i = 0; i < n; ++i) gradient[i] = weight * (task.precision[i] * (x[i] - task.mean[i]));
    }
  }
}
POTLUCK_VECTOR_VERSIONS void run_rows(const LaneTask<float>& task) { run_diagonal_rows(task); }
POTLUCK_VECTOR_VERSIONS void run_rows(const LaneTask<double>& task) { run_diagonal_rows(task); }

template <class Real>
class LoopEvaluation final : public Evaluation<Real> {
 public:
  explicit LoopEvaluation(const GaussianLaw& law) : diagonal_(is_diagonal(law)) { update(law); }
  void update(const GaussianLaw& law) override {
    const Vector& mean = std::visit([](const auto& form) -> const Vector& { return form.mean(); }, law);
    mean_.assign(mean.begin(), mean.end());
    precision_.clear();
    if (diagonal_) {
      for (const double variance : std::get<LowRankNormal>(law).variance())
        precision_.push_back(static_cast<Real>(1 / variance));
    } else {
      const Matrix precision = std::visit([](const auto& form) { return form.precision(); }, law);
      precision_.assign(precision.data(), precision.data() + precision.size());
    }
  }
  size_t workspace_bytes() const override { return in_lanes() ? 2 * kLanes * mean_.size() * sizeof(Real) : 0; }
  void evaluate(const plugin::Call<Real>& call) const override {
    const LaneTask<Real> task = {mean_.data(),
                                 precision_.data(),
                                 call.input(),
                                 static_cast<int64_t>(mean_.size()),
                                 call.rows(),
                                 diagonal_,
                                 call.energy(),
                                 call.gradient(),
                                 call.row_weights(),
                                 call.accumulate(),
                                 in_lanes() ? call.template workspace<Real>() : nullptr};
    in_lanes() ? run(task) : run_rows(task);
  }

 private:
  bool in_lanes() const { return static_cast<int64_t>(mean_.size()) <= kMostInLoops; }
  bool diagonal_;
  std::vector<Real> mean_, precision_;
};

}  // namespace

template <class Real>
std::unique_ptr<Evaluation<Real>> loop_evaluation(const GaussianLaw& law) {
  return std::make_unique<LoopEvaluation<Real>>(law);
}
template std::unique_ptr<Evaluation<float>> loop_evaluation(const GaussianLaw&);
template std::unique_ptr<Evaluation<double>> loop_evaluation(const GaussianLaw&);

}  // namespace potluck::models
