// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "models/gaussian/evaluation.h"
#include "models/gaussian/learned_gaussian.h"
#include "potluck/model/normals.hpp"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

/// E = (x - m)' P (x - m) / 2, log Z = n/2 log 2 pi - log det P / 2.
template <class Real>
class Gaussian {
 public:
  static constexpr const char* name = "gaussian";
  static constexpr const char* summary =
      "Gaussian with a mean and a full, diagonal, or low-rank plus diagonal covariance: E = (x - m)' P (x - m) / 2";
  static constexpr const char* reference =
      "Bishop 2006, Pattern Recognition and Machine Learning, section 2.3; low rank: Woodbury 1950";
  static constexpr Input inputs[] = {continuous("x", "the state, of any shape")};
  static constexpr Setting settings[] = {
      real("mean", "mean: one number for all coordinates or one for each; default 0. Or array 'mean' of the weights")
          .list()
          .preset("")
          .unit("that of x"),
      real("variance", "variances: one for all or one for each; default 1. Or array 'variance' of the weights")
          .list()
          .at_least(0)
          .preset("")
          .unit("that of x, squared"),
      real("factor", "W [n, r], row by row: the covariance is diag(variance) + W W'. Or array 'factor' of the weights")
          .list()
          .preset("")
          .unit("that of x"),
      real("covariance", "covariance [n, n], row by row, or its diagonal. Or array 'covariance' of the weights")
          .list()
          .preset("")
          .unit("that of x, squared"),
      real("precision", "precision P [n, n], row by row, or its diagonal. Or array 'precision' of the weights")
          .list()
          .preset("")
          .unit("1 / that of x, squared"),
      choice("form", {"diagonal", "full"}, "form of a covariance that nothing gives, which is 1 until it is learned")
          .preset("diagonal"),
      real("least_variance", "no variance of a covariance in closed form is less along any axis")
          .at_least(0)
          .preset("0")
          .unit("that of x, squared"),
  };

  explicit Gaussian(const Setup& setup)
      : law_(read_gaussian(setup)),
        on_cuda_(setup.on_cuda()),
        learns_mean_(setup.reals("mean").empty()),
        learns_covariance_(setup.reals("variance").empty() && setup.reals("factor").empty() &&
                           setup.reals("covariance").empty() && setup.reals("precision").empty()),
        least_variance_(setup.real("least_variance")) {
    const int64_t n = setup.size();
    if (!setup.on_cuda() && (is_diagonal(law_) || n <= kMostInLoops))
      evaluation_ = loop_evaluation<Real>(law_);
    else
      evaluation_ = matrix_evaluation<Real>(law_, setup);
    find_log_z();
    normals_ = std::visit([](const auto& form) { return form.normals(); }, law_);
  }

  Facts facts() const {
    Facts facts;
    facts.least_energy = 0;
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.accumulates = true;
    facts.rows_alone = true;
    facts.batch_invariant = evaluation_->batch_invariant();
    facts.cuda = matrix_evaluation_has_cuda();
    facts.graph_capturable = true;
    facts.workspace_bytes = evaluation_->workspace_bytes();
    facts.workspace_bytes_a_row = evaluation_->workspace_bytes_a_row();
    facts.draw_uniforms = plugin::uniforms_for_normals(normals_);
    return facts;
  }

  void evaluate(const Call<Real>& call) const { evaluation_->evaluate(call); }

  std::optional<double> log_normaliser() const { return log_z_; }

  bool quadratic(QuadraticForm& form) const {
    std::visit(
        [&](const auto& law) {
          const int64_t n = law.size();
          Eigen::Map<Matrix> precision(form.precision.data(), n, n);
          precision = law.precision();
          Eigen::Map<Vector>(form.linear.data(), n) = precision * law.mean();
          form.constant = 0.5 * law.mean().dot(precision * law.mean());
        },
        law_);
    return true;
  }

  bool draw(const DrawCall<Real>& call) const {
    std::visit([&](const auto& law) { draw_from(law, call); }, law_);
    return true;
  }

  /// What the settings give stays as it is. None on a GPU, where no closed form is.
  std::vector<Parameter> parameters() {
    if (on_cuda_ || !(learns_mean_ || learns_covariance_)) return {};
    if (!learned_) {
      learned_ = std::make_unique<LearnedGaussian<Real>>(law_, learns_mean_, learns_covariance_, least_variance_);
      parameters_changed(nullptr);
    }
    return learned_->parameters();
  }

  void parameters_changed(void*) {
    if (!learned_) return;
    law_ = learned_->law();
    evaluation_->update(law_);
    find_log_z();
  }

  void parameter_gradient(const ParameterCall<Real>& wanted) const { learned_->add_gradient(wanted, law_); }

  std::optional<Statistics> statistics() const { return learned_ ? learned_->statistics() : std::nullopt; }
  void add_statistics(const Call<Real>& call, int64_t, std::span<double> sum) const {
    learned_->add_statistics(call, sum);
  }
  void fit(int64_t, std::span<const double> sum) { learned_->fit(sum); }

 private:
  void find_log_z() {
    log_z_ = std::visit(
        [](const auto& form) { return 0.5 * (static_cast<double>(form.size()) * kLog2Pi + form.log_determinant()); },
        law_);
  }

  template <class Law>
  static void draw_from(const Law& law, const DrawCall<Real>& call) {
    const int64_t n = law.size();
    std::vector<uint8_t> held(static_cast<size_t>(n));
    bool any = false;
    for (int64_t i = 0; i < n; ++i) any |= (held[i] = call.held(0, i)) != 0;
    const typename Law::Given given(law, held.data());
    std::vector<double> normals, x(static_cast<size_t>(n));
    for (int64_t b = 0; b < call.rows(); ++b) {
      const std::span<const double> uniforms = call.uniforms(b);
      normals.resize(uniforms.size());
      plugin::standard_normals(uniforms, normals);
      if (any) std::copy_n(call.given().input() + b * n, n, x.begin());
      given.draw(normals.data(), x.data());
      const std::span<Real> out = call.out(0, b);
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Real>(x[i]);
    }
  }

  GaussianLaw law_;
  bool on_cuda_, learns_mean_, learns_covariance_;
  double least_variance_;
  std::unique_ptr<Evaluation<Real>> evaluation_;
  std::unique_ptr<LearnedGaussian<Real>> learned_;  ///< null until somebody asks for parameters
  double log_z_ = 0;
  int64_t normals_ = 0;
};

}  // namespace
}  // namespace potluck::models

using potluck::models::Gaussian;
POTLUCK_EXPORT_PLUGIN("potluck.gaussian", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Gaussians of every form", Gaussian);
