// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "models/linear_gaussian/learned_linear.h"
#include "models/linear_gaussian/linear_task.h"
#include "models/normal/arrays.h"
#include "models/normal/device_array.h"
#include "models/normal/lanes.h"
#include "potluck/model/normals.hpp"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

template <class Real>
POTLUCK_INLINE void run_lanes(const LinearTask<Real>& task) {
  Real* rest = task.workspace;                      // x - b - W z, then that over v
  Real* latent = task.workspace + task.n * kLanes;  // z, then -W' rest
  for (int64_t first = 0; first < task.rows; first += kLanes) {
    const int64_t count = std::min(kLanes, task.rows - first);
    int64_t row[kLanes];
    for (int64_t l = 0; l < kLanes; ++l) row[l] = first + l;
    load_lanes(task.x, task.n, row, count, rest);
    load_lanes(task.z, task.m, row, count, latent);
    for (int64_t i = 0; i < task.n; ++i)
      for (int64_t l = 0; l < kLanes; ++l) rest[i * kLanes + l] -= task.offset[i];
    multiply_lanes<Real>(task.matrix, task.n, task.m, latent, rest, Real(-1), rest);
    double sum[kLanes] = {};
    for (int64_t i = 0; i < task.n; ++i)
      for (int64_t l = 0; l < kLanes; ++l) {
        const Real scaled = rest[i * kLanes + l] * task.scale[i];
        sum[l] += static_cast<double>(scaled * rest[i * kLanes + l]);
        rest[i * kLanes + l] = scaled;
      }
    if (task.energy != nullptr)
      for (int64_t l = 0; l < count; ++l) task.energy[first + l] = 0.5 * sum[l];
    if (task.x_gradient != nullptr)
      store_lanes(rest, task.n, row, count, task.row_weight, task.accumulate, task.x_gradient);
    if (task.z_gradient != nullptr) {
      multiply_lanes<Real>(task.transposed, task.m, task.n, rest, nullptr, Real(-1), latent);
      store_lanes(latent, task.m, row, count, task.row_weight, task.accumulate, task.z_gradient);
    }
  }
}
POTLUCK_VECTOR_VERSIONS void run(const LinearTask<float>& task) { run_lanes(task); }
POTLUCK_VECTOR_VERSIONS void run(const LinearTask<double>& task) { run_lanes(task); }

/// x given z: E = |x - W z - b|^2 / (2 v), log Z = n/2 log 2 pi + sum log v / 2 whatever z is.
template <class Real>
class LinearGaussian {
 public:
  static constexpr const char* name = "linear_gaussian";
  static constexpr const char* summary =
      "Gaussian whose mean is a linear function of another variable: E = |x - W z - b|^2 / (2 variance)";
  static constexpr const char* reference =
      "Roweis & Ghahramani 1999, A unifying review of linear Gaussian models; Tipping & Bishop 1999 (PPCA)";
  static constexpr Input inputs[] = {continuous("x", "the variable that is drawn, of any shape"),
                                     continuous("z", "the variable on which the mean depends, of any shape").parent()};
  static constexpr Setting settings[] = {
      real("matrix",
           "W [n, m], row by row, or one number times the identity; default the identity (n = m). Or array 'matrix' of "
           "the weights")
          .list()
          .preset("")
          .unit("that of x over that of z"),
      real("offset", "b: one number for all or [n]; default 0. Or array 'offset' of the weights")
          .list()
          .preset("")
          .unit("that of x"),
      real("variance", "noise variance: one for all or [n]; default 1. Or array 'variance' of the weights")
          .list()
          .at_least(0)
          .preset("")
          .unit("that of x, squared"),
      boolean("learned",
              "W is 0 until it is learned where nothing gives it, as it must be where x and z differ in size")
          .preset("false"),
      real("least_variance", "no noise variance of the closed form is less")
          .at_least(0)
          .preset("0")
          .unit("that of x, squared"),
  };

  explicit LinearGaussian(const Setup& setup) {
    const int64_t n = setup.size("x"), m = setup.size("z");
    const auto matrix = GivenNumbers::find(setup, "matrix");
    const auto offset = GivenNumbers::find(setup, "offset");
    const auto variance = GivenNumbers::find(setup, "variance");
    const auto log_variance = GivenNumbers::find_weight(setup, "log_variance");
    if (setup.has_weights() && !matrix && !offset && !variance && !log_variance)
      throw Failure(POTLUCK_BAD_SHAPE,
                    "weights must have arrays among 'matrix', 'offset', 'variance', 'log_variance', got none of them");
    if (variance && log_variance)
      throw variance->error("must be left out, for the weights have an array 'log_variance'. Keep one of them");
    if (matrix && (matrix->size() != 1 || n != m)) matrix->require_size(n * m);
    const bool learned = setup.boolean("learned");
    if (!matrix && n != m && !learned)
      throw setup.setting_error("matrix", "must be given where x and z differ in size, got x of " + std::to_string(n) +
                                              " and z of " + std::to_string(m) + " numbers");
    if (matrix) matrix->require_finite();
    if (offset) offset->require_finite();
    if (variance) variance->require_positive();
    if (log_variance) log_variance->require_finite();
    const double multiple = matrix ? (*matrix)[0] : (learned ? 0.0 : 1.0);
    matrix_ = matrix && matrix->size() == n * m ? matrix->matrix(n, m) : Matrix(multiple * Matrix::Identity(n, m));
    offset_ = offset ? offset->spread(n) : Vector::Zero(n);
    variance_ = variance ? variance->spread(n) : Vector::Ones(n);
    if (log_variance) variance_ = log_variance->spread(n).array().exp();
    find_log_z();
    choice_.matrix = setup.reals("matrix").empty();
    choice_.offset = setup.reals("offset").empty();
    choice_.variance = setup.reals("variance").empty();
    choice_.least_variance = setup.real("least_variance");
    matrix_numbers_ = DeviceArray<Real>(setup, numbers(matrix_));
    transposed_numbers_ = DeviceArray<Real>(setup, numbers(matrix_.transpose()));
    offset_numbers_ = DeviceArray<Real>(setup, numbers(offset_));
    scale_numbers_ = DeviceArray<Real>(setup, numbers(variance_.cwiseInverse()));
    on_cuda_ = setup.on_cuda();
  }

  Facts facts() const {
    Facts facts;
    facts.least_energy = 0;
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.normaliser_bounded = true;  // it is the same for all z
    facts.accumulates = true;
    facts.batch_invariant = true;
    facts.graph_capturable = true;
    if (on_cuda_)
      facts.workspace_bytes_a_row = static_cast<size_t>(matrix_.rows()) * sizeof(Real);
    else
      facts.workspace_bytes = static_cast<size_t>((matrix_.rows() + matrix_.cols()) * kLanes) * sizeof(Real);
    facts.draw_uniforms = plugin::uniforms_for_normals(matrix_.rows());
    return facts;
  }

  void evaluate(const Call<Real>& call) const { run(task_of(call)); }
#ifdef POTLUCK_HAVE_CUDA
  void evaluate_cuda(const Call<Real>& call) const { launch(task_of(call), call.stream()); }
#endif

  /// The same for every z, so its gradient is zero.
  bool log_normaliser(const Call<Real>& given, std::span<double> log_z) const {
    Real* gradient = given.accumulate() ? nullptr : given.gradient(1);
    const size_t count = static_cast<size_t>(given.rows() * given.size(1));
#ifdef POTLUCK_HAVE_CUDA
    if (given.on_cuda()) {
      launch_constant(given.rows(), log_z_, log_z.data(), gradient, count * sizeof(Real), given.stream());
      return true;
    }
#endif
    std::fill(log_z.begin(), log_z.end(), log_z_);
    if (gradient != nullptr) std::fill_n(gradient, count, Real(0));
    return true;
  }

  /// With r = x - W z - b = J v - b', where v holds what is open and b' what is given:
  /// P = J' V^-1 J, h = J' V^-1 b', c = b'' V^-1 b' / 2.
  bool quadratic(const Call<Real>& given, QuadraticForm& form) const {
    const int64_t n = matrix_.rows(), m = matrix_.cols();
    const Real* x = given.input(0);
    const Real* z = given.input(1);
    Matrix jacobian(n, (x == nullptr ? n : 0) + (z == nullptr ? m : 0));
    Vector rest = offset_;
    if (x == nullptr)
      jacobian.leftCols(n).setIdentity();
    else
      rest -= widened(x, n);
    if (z == nullptr)
      jacobian.rightCols(m) = -matrix_;
    else
      rest += matrix_ * widened(z, m);
    const Matrix scaled = variance_.cwiseInverse().asDiagonal() * jacobian;
    Eigen::Map<Matrix>(form.precision.data(), jacobian.cols(), jacobian.cols()) = jacobian.transpose() * scaled;
    Eigen::Map<Vector>(form.linear.data(), jacobian.cols()) = scaled.transpose() * rest;
    form.constant = 0.5 * rest.dot(rest.cwiseQuotient(variance_));
    return true;
  }

  /// Coordinates of x are independent given z, so that any may be held.
  bool draw(const DrawCall<Real>& call) const {
    const int64_t n = matrix_.rows(), m = matrix_.cols();
    std::vector<double> normals(static_cast<size_t>(plugin::uniforms_for_normals(n)));
    for (int64_t b = 0; b < call.rows(); ++b) {
      plugin::standard_normals(call.uniforms(b), normals);
      const Vector mean = matrix_ * widened(call.given().input(1) + b * m, m) + offset_;
      for (int64_t i = 0; i < n; ++i)
        call.out(0, b)[i] = call.held(0, i) ? call.given().input(0)[b * n + i]
                                            : static_cast<Real>(mean[i] + std::sqrt(variance_[i]) * normals[i]);
    }
    return true;
  }

  /// What the settings give stays as it is. None on a GPU, where no closed form is.
  std::vector<Parameter> parameters() {
    if (on_cuda_ || !(choice_.matrix || choice_.offset || choice_.variance)) return {};
    if (!learned_) {
      learned_ = std::make_unique<LearnedLinear<Real>>(matrix_, offset_, variance_, choice_);
      parameters_changed(nullptr);
    }
    return learned_->parameters();
  }

  void parameters_changed(void*) {
    if (!learned_) return;
    matrix_ = learned_->matrix();
    offset_ = learned_->offset();
    variance_ = learned_->variance();
    find_log_z();
    matrix_numbers_ = DeviceArray<Real>(numbers(matrix_));
    transposed_numbers_ = DeviceArray<Real>(numbers(matrix_.transpose()));
    offset_numbers_ = DeviceArray<Real>(numbers(offset_));
    scale_numbers_ = DeviceArray<Real>(numbers(variance_.cwiseInverse()));
  }

  void parameter_gradient(const ParameterCall<Real>& wanted) const { learned_->add_gradient(wanted); }

  std::optional<Statistics> statistics() const {
    if (!learned_) return std::nullopt;
    return learned_->statistics();
  }
  void add_statistics(const Call<Real>& call, int64_t, std::span<double> sum) const {
    learned_->add_statistics(call, sum);
  }
  void fit(int64_t, std::span<const double> sum) { learned_->fit(sum); }

 private:
  void find_log_z() {
    log_z_ = 0.5 * (static_cast<double>(variance_.size()) * kLog2Pi + variance_.array().log().sum());
  }
  static Vector widened(const Real* numbers, int64_t count) {
    return Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, 1>>(numbers, count).template cast<double>();
  }
  static std::vector<Real> numbers(const Matrix& matrix) {
    return std::vector<Real>(matrix.data(), matrix.data() + matrix.size());
  }

  LinearTask<Real> task_of(const Call<Real>& call) const {
    return {matrix_.rows(),
            matrix_.cols(),
            call.rows(),
            matrix_numbers_.data(),
            transposed_numbers_.data(),
            offset_numbers_.data(),
            scale_numbers_.data(),
            call.input(0),
            call.input(1),
            call.energy(),
            call.gradient(0),
            call.gradient(1),
            call.row_weights(),
            call.accumulate(),
            call.template workspace<Real>()};
  }

  Matrix matrix_;
  Vector offset_, variance_;
  double log_z_ = 0;
  bool on_cuda_ = false;
  typename LearnedLinear<Real>::Choice choice_;
  std::unique_ptr<LearnedLinear<Real>> learned_;  ///< null until somebody asks for parameters
  DeviceArray<Real> matrix_numbers_, transposed_numbers_, offset_numbers_, scale_numbers_;
};

}  // namespace
}  // namespace potluck::models

using potluck::models::LinearGaussian;
POTLUCK_EXPORT_PLUGIN("potluck.linear_gaussian", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "A Gaussian level of a hierarchy", LinearGaussian);
