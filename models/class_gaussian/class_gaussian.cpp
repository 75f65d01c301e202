// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "models/class_gaussian/class_task.h"
#include "models/normal/arrays.h"
#include "models/normal/device_array.h"
#include "models/normal/lanes.h"
#include "models/normal/low_rank_normal.h"
#include "potluck/model/normals.hpp"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

/// Energies and gradients of `count` rows of class k side by side. `workspace` [n + r, kLanes].
template <class Real>
POTLUCK_INLINE void run_lanes(const ClassTask<Real>& task, int64_t k, const int64_t* row, int64_t count, double* energy,
                              int64_t energy_stride, Real* workspace) {
  const ClassLaws<Real>& laws = task.laws;
  const int64_t n = laws.n, rank = laws.rank;
  Real* rest = workspace;                 // x - m, then x - m - W u, then that over v
  Real* latent = workspace + n * kLanes;  // u
  load_lanes(task.x, n, row, count, rest);
  const Real* mean = laws.mean + k * n;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < kLanes; ++l) rest[i * kLanes + l] -= mean[i];
  multiply_lanes<Real>(laws.latent + k * rank * n, rank, n, rest, nullptr, Real(1), latent);
  multiply_lanes<Real>(laws.factor + k * n * rank, n, rank, latent, rest, Real(-1), rest);
  double sum[kLanes] = {};
  const Real* scale = laws.scale + k * n;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < kLanes; ++l) {
      const Real scaled = rest[i * kLanes + l] * scale[i];
      sum[l] += static_cast<double>(scaled * rest[i * kLanes + l]);
      rest[i * kLanes + l] = scaled;
    }
  dot_lanes(latent, latent, rank, sum);
  if (energy != nullptr)
    for (int64_t l = 0; l < count; ++l) energy[row[l] * energy_stride] = 0.5 * sum[l] + laws.constant[k];
  if (task.gradient != nullptr) store_lanes(rest, n, row, count, task.row_weight, task.accumulate, task.gradient);
}
POTLUCK_VECTOR_VERSIONS void run(const ClassTask<float>& task, int64_t k, const int64_t* row, int64_t count,
                                 double* energy, int64_t stride, float* workspace) {
  run_lanes(task, k, row, count, energy, stride, workspace);
}
POTLUCK_VECTOR_VERSIONS void run(const ClassTask<double>& task, int64_t k, const int64_t* row, int64_t count,
                                 double* energy, int64_t stride, double* workspace) {
  run_lanes(task, k, row, count, energy, stride, workspace);
}

/// One Gaussian a class: E(x, k) = -log N(x; m_k, diag(v_k) + W_k W_k') - log prior_k.
template <class Real>
class ClassGaussian {
 public:
  static constexpr const char* name = "class_gaussian";
  static constexpr const char* summary =
      "One Gaussian a class, each with a low-rank plus diagonal covariance: E = -log N(image; m, diag(v) + W W') of "
      "the image's label, - log prior of that label";
  static constexpr const char* reference =
      "Hinton, Dayan & Revow 1997, Modeling the manifolds of images of handwritten digits (factor analysers by class)";
  static constexpr Input inputs[] = {continuous("image", "the state, of any shape"),
                                     categorical("label", "class of the image").parent()};
  static constexpr Setting settings[] = {
      real("mean", "means [K, n], class by class, or one number for all; default 0. Or array 'mean' of the weights")
          .list()
          .preset("")
          .unit("that of image"),
      real("variance", "v [K, n], class by class, or one number for all; default 1. Or array 'variance' of the weights")
          .list()
          .at_least(0)
          .preset("")
          .unit("that of image, squared"),
      real("factor", "W [K, n, r], class by class; default none (r = 0). Or array 'factor' of the weights")
          .list()
          .preset("")
          .unit("that of image"),
      real("log_prior", "log prior of each class [K], added to log Z; default 0. Or array 'log_prior' of the weights")
          .list()
          .preset("")
          .unit("nat"),
  };

  explicit ClassGaussian(const Setup& setup) {
    const int64_t n = setup.size("image");
    if (setup.size("label") != 1)
      throw setup.input_error("label", "must be one label a row, got " + std::to_string(setup.size("label")));
    const auto mean = GivenNumbers::find(setup, "mean");
    const auto variance = GivenNumbers::find(setup, "variance");
    const auto factor = GivenNumbers::find(setup, "factor");
    const auto prior = GivenNumbers::find(setup, "log_prior");
    const int64_t classes = number_of_classes(setup, mean, n);
    if (setup.has_weights() && !mean && !variance && !factor)
      throw Failure(POTLUCK_BAD_SHAPE, "weights must have arrays among 'mean', 'variance', 'factor', got none of them");
    for (const auto* given : {&mean, &factor, &prior})
      if (*given) (*given)->require_finite();
    if (variance) variance->require_positive();
    if (factor && (factor->size() == 0 || factor->size() % (classes * n) != 0))
      throw factor->error("must have a multiple of " + std::to_string(classes * n) + " numbers ([" +
                          std::to_string(classes) + ", " + std::to_string(n) + ", rank]), got " +
                          std::to_string(factor->size()));
    const Vector means = mean ? mean->spread(classes * n) : Vector::Zero(classes * n);
    const Vector variances = variance ? variance->spread(classes * n) : Vector::Ones(classes * n);
    log_prior_ = prior ? prior->spread(classes) : Vector::Zero(classes);
    const int64_t rank = factor ? factor->size() / (classes * n) : 0;
    for (int64_t k = 0; k < classes; ++k)
      law_.emplace_back(means.segment(k * n, n), variances.segment(k * n, n),
                        factor ? factor->matrix(n, rank, k * n * rank) : Matrix(n, 0));
    flatten(setup);
  }

  /// K as the composition has it; from the means where a literal label is bound, which does not say.
  template <class Numbers>
  static int64_t number_of_classes(const Setup& setup, const Numbers& mean, int64_t n) {
    if (setup.categories("label") > 0) return setup.categories("label");
    if (!mean)
      throw setup.input_error("label",
                              "must be a categorical variable where no mean of every class is given, got a "
                              "literal, which does not say how many classes there are");
    if (mean->size() == 0 || mean->size() % n != 0)
      throw mean->error("must have a multiple of " + std::to_string(n) + " numbers ([classes, " + std::to_string(n) +
                        "]), got " + std::to_string(mean->size()));
    return mean->size() / n;
  }

  Facts facts() const {
    Facts facts;
    facts.least_energy = *std::min_element(constant_.begin(), constant_.end());
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.normaliser_bounded = true;  // there are finitely many labels
    facts.accumulates = true;
    facts.batch_invariant = true;
    facts.graph_capturable = true;
    facts.workspace_bytes = static_cast<size_t>((n() + rank()) * kLanes) * sizeof(Real);
    facts.draw_uniforms = plugin::uniforms_for_normals(law_[0].normals());
    return facts;
  }

  /// Rows are taken class by class, so that mixed labels cost no more than the lanes that stay empty.
  void evaluate(const Call<Real>& call) const {
    const ClassTask<Real> task = task_of(call, call.energy(), call.gradient());
    check_labels(task);
    const auto [first, last] = std::minmax_element(task.label, task.label + task.rows);
    for (int64_t k = *first, end = *last; k <= end; ++k) {
      int64_t row[kLanes];
      int64_t count = 0;
      for (int64_t b = 0; b < task.rows; ++b) {
        if (task.label[b] == k) row[count++] = b;
        if (count == kLanes || (count > 0 && b + 1 == task.rows)) {
          run(task, k, row, count, task.energy, 1, call.template workspace<Real>());
          count = 0;
        }
      }
    }
  }
#ifdef POTLUCK_HAVE_CUDA
  void evaluate_cuda(const Call<Real>& call) const {
    launch(task_of(call, call.energy(), call.gradient()), call.stream());
  }
#endif

  /// E contains the whole log density, so that log Z of a label is its log prior.
  bool log_normaliser(const Call<Real>& given, std::span<double> log_z) const {
    const int64_t* label = given.labels(1);
    if (label == nullptr) return false;
#ifdef POTLUCK_HAVE_CUDA
    if (given.on_cuda()) {
      launch_log_prior(given.rows(), label, log_priors_.data(), log_z.data(), given.stream());
      return true;
    }
#endif
    for (size_t b = 0; b < log_z.size(); ++b) log_z[b] = log_prior_[checked(label[b])];
    return true;
  }

  bool quadratic(const Call<Real>& given, QuadraticForm& form) const {
    if (given.labels(1) == nullptr) return false;
    const int64_t k = checked(given.labels(1)[0]);
    const Matrix precision = law_[k].precision();
    const Vector& mean = law_[k].mean();
    if (const Real* image = given.input(0)) {
      const Vector difference =
          Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, 1>>(image, n()).template cast<double>() - mean;
      form.constant = 0.5 * difference.dot(precision * difference) + constant_[k];
      return true;
    }
    Eigen::Map<Matrix>(form.precision.data(), n(), n()) = precision;
    Eigen::Map<Vector>(form.linear.data(), n()) = precision * mean;
    form.constant = 0.5 * mean.dot(precision * mean) + constant_[k];
    return true;
  }

  bool draw(const DrawCall<Real>& call) const {
    const int64_t* label = call.given().labels(1);
    std::vector<uint8_t> held(static_cast<size_t>(n()));
    bool any = false;
    for (int64_t i = 0; i < n(); ++i) any |= (held[i] = call.held(0, i)) != 0;
    std::vector<std::optional<LowRankNormal::Given>> given(law_.size());
    std::vector<double> normals, x(static_cast<size_t>(n()));
    for (int64_t b = 0; b < call.rows(); ++b) {
      const int64_t k = checked(label[b]);
      if (!given[k]) given[k].emplace(law_[k], held.data());
      normals.resize(call.uniforms(b).size());
      plugin::standard_normals(call.uniforms(b), normals);
      if (any) std::copy_n(call.given().input(0) + b * n(), n(), x.begin());
      given[k]->draw(normals.data(), x.data());
      std::transform(x.begin(), x.end(), call.out(0, b).begin(), [](double value) { return static_cast<Real>(value); });
    }
    return true;
  }

  void category_energies(const Call<Real>& call, int32_t input, double* energy) const {
    if (input != 1 || call.on_cuda()) throw Failure(POTLUCK_UNSUPPORTED, "only label has categories, on the CPU");
    const ClassTask<Real> task = task_of(call, nullptr, nullptr);
    const int64_t classes = task.laws.classes;
    for (int64_t k = 0; k < classes; ++k)
      for (int64_t b = 0; b < task.rows; b += kLanes) {
        int64_t row[kLanes];
        for (int64_t l = 0; l < kLanes; ++l) row[l] = b + l;
        run(task, k, row, std::min(kLanes, task.rows - b), energy + k, classes, call.template workspace<Real>());
      }
  }

 private:
  int64_t n() const { return law_[0].size(); }
  int64_t rank() const { return law_[0].rank(); }

  int64_t checked(int64_t label) const {
    if (label < 0 || label >= static_cast<int64_t>(law_.size()))
      throw Failure(POTLUCK_BAD_SHAPE,
                    "label must be 0 .. " + std::to_string(law_.size() - 1) + ", got " + std::to_string(label),
                    POTLUCK_ABOUT_INPUT, 1);
    return label;
  }
  void check_labels(const ClassTask<Real>& task) const {
    for (int64_t b = 0; b < task.rows; ++b) checked(task.label[b]);
  }

  void flatten(const Setup& setup) {
    const bool cuda = setup.on_cuda();
    std::vector<Real> mean, scale, latent, factor;
    const auto append = [](std::vector<Real>& to, const Matrix& matrix) {
      for (int64_t i = 0; i < matrix.size(); ++i) to.push_back(static_cast<Real>(matrix.data()[i]));
    };
    for (size_t k = 0; k < law_.size(); ++k) {
      append(mean, law_[k].mean().transpose());
      append(scale, law_[k].variance().cwiseInverse().transpose());
      append(latent, law_[k].latent());
      append(factor, cuda ? Matrix(law_[k].factor().transpose()) : law_[k].factor());
      constant_.push_back(0.5 * (static_cast<double>(n()) * kLog2Pi + law_[k].log_determinant()) -
                          log_prior_[static_cast<int64_t>(k)]);
    }
    mean_ = DeviceArray<Real>(setup, std::move(mean));
    scale_ = DeviceArray<Real>(setup, std::move(scale));
    latent_ = DeviceArray<Real>(setup, std::move(latent));
    factor_ = DeviceArray<Real>(setup, std::move(factor));
    constants_ = DeviceArray<double>(setup, constant_);
    log_priors_ = DeviceArray<double>(setup, {log_prior_.begin(), log_prior_.end()});
  }

  ClassTask<Real> task_of(const Call<Real>& call, double* energy, Real* gradient) const {
    return {{static_cast<int64_t>(law_.size()), n(), rank(), mean_.data(), scale_.data(), latent_.data(),
             factor_.data(), constants_.data()},
            call.rows(),
            call.input(0),
            call.labels(1),
            energy,
            gradient,
            call.row_weights(),
            call.accumulate()};
  }

  std::vector<LowRankNormal> law_;
  Vector log_prior_;
  std::vector<double> constant_;
  DeviceArray<Real> mean_, scale_, latent_, factor_;
  DeviceArray<double> constants_, log_priors_;
};

}  // namespace
}  // namespace potluck::models

using potluck::models::ClassGaussian;
POTLUCK_EXPORT_PLUGIN("potluck.class_gaussian", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "A Gaussian for each class of an image", ClassGaussian);
