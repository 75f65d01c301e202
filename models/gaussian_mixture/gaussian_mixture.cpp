// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include "models/gaussian_mixture/mixture_task.h"
#include "models/normal/arrays.h"
#include "models/normal/device_array.h"
#include "models/normal/low_rank_normal.h"
#include "potluck/model/normals.hpp"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

/// E = -log sum_k a_k N(x; m_k, C_k): normalised, so that log Z = 0.
template <class Real>
class GaussianMixture {
 public:
  static constexpr const char* name = "gaussian_mixture";
  static constexpr const char* summary =
      "Mixture of K Gaussians with isotropic, diagonal or full covariances: E = -log sum_k a_k N(x; m_k, C_k)";
  static constexpr const char* reference = "McLachlan & Peel 2000, Finite Mixture Models";
  static constexpr Input inputs[] = {continuous("x", "the state, of any shape")};
  static constexpr Setting settings[] = {
      real("mean",
           "means [K, n], component by component; their number sets K; default: one mean at 0. Or array 'mean' of the "
           "weights")
          .list()
          .preset("")
          .unit("that of x"),
      real("weight", "weights a_k [K], scaled to sum 1; default equal. Or array 'weight' of the weights")
          .list()
          .at_least(0)
          .preset(""),
      real("variance",
           "variances: one for all, one a component [K], or [K, n]; default 1. Or array 'variance' of the weights")
          .list()
          .at_least(0)
          .preset("")
          .unit("that of x, squared"),
      real("covariance", "covariances [K, n, n], or one [n, n] for all. Or array 'covariance' of the weights")
          .list()
          .preset("")
          .unit("that of x, squared"),
  };

  explicit GaussianMixture(const Setup& setup) : n_(setup.size()) {
    read_means(setup);
    read_weights(setup);
    read_laws(setup);
    flatten(setup);
  }

  Facts facts() const {
    Facts facts;
    double peak = 0;  // every component at its own mean at once
    for (const double constant : constant_) peak += std::exp(-constant);
    facts.least_energy = -std::log(peak);
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.accumulates = true;
    facts.batch_invariant = true;
    facts.graph_capturable = true;
    if (on_cuda_)
      facts.workspace_bytes_a_row = constant_.size() * sizeof(double);
    else
      facts.workspace_bytes = static_cast<size_t>(mixture_workspace_bytes(laws()));
    facts.draw_uniforms = 1 + plugin::uniforms_for_normals(n_);
    return facts;
  }

  void evaluate(const Call<Real>& call) const { run(task_of(call)); }
#ifdef POTLUCK_HAVE_CUDA
  void evaluate_cuda(const Call<Real>& call) const { launch(task_of(call), call.stream()); }
#endif

  std::optional<double> log_normaliser() const { return 0.0; }

  /// A mixture of one component is quadratic.
  bool quadratic(QuadraticForm& form) const {
    if (law_.size() != 1) return false;
    std::visit(
        [&](const auto& law) {
          Eigen::Map<Matrix> precision(form.precision.data(), n_, n_);
          precision = law.precision();
          Eigen::Map<Vector>(form.linear.data(), n_) = precision * law.mean();
          form.constant = 0.5 * law.mean().dot(precision * law.mean()) + constant_[0];
        },
        law_[0]);
    return true;
  }

  /// Given some coordinates, a component is chosen by its weight times its density of those, then drawn given them.
  bool draw(const DrawCall<Real>& call) const {
    std::vector<uint8_t> held(static_cast<size_t>(n_));
    bool any = false;
    for (int64_t i = 0; i < n_; ++i) any |= (held[i] = call.held(0, i)) != 0;
    std::vector<Conditional> conditional;
    for (const Law& law : law_)
      conditional.push_back(std::visit(
          [&](const auto& form) -> Conditional {
            return std::make_unique<typename std::decay_t<decltype(form)>::Given>(form, held.data());
          },
          law));
    std::vector<double> normals, log_share(law_.size()), x(static_cast<size_t>(n_));
    for (int64_t b = 0; b < call.rows(); ++b) {
      const std::span<const double> uniforms = call.uniforms(b);
      if (any) std::copy_n(call.given().input() + b * n_, n_, x.begin());
      for (size_t k = 0; k < law_.size(); ++k)
        log_share[k] = std::log(weight_[k]) +
                       std::visit([&](const auto& given) { return given->held_log_density(x.data()); }, conditional[k]);
      normals.resize(uniforms.size() - 1);
      plugin::standard_normals(uniforms.subspan(1), normals);
      const Conditional& chosen = conditional[choose(log_share, uniforms[0])];
      std::visit([&](const auto& given) { given->draw(normals.data(), x.data()); }, chosen);
      std::transform(x.begin(), x.end(), call.out(0, b).begin(), [](double value) { return static_cast<Real>(value); });
    }
    return true;
  }

 private:
  using Law = std::variant<DenseNormal, LowRankNormal>;
  using Conditional = std::variant<std::unique_ptr<DenseNormal::Given>, std::unique_ptr<LowRankNormal::Given>>;

  /// The first k whose cumulative share passes u.
  static size_t choose(const std::vector<double>& log_share, double u) {
    const double most = *std::max_element(log_share.begin(), log_share.end());
    double total = 0, passed = 0;
    for (const double log : log_share) total += std::exp(log - most);
    size_t last = 0;
    for (size_t k = 0; k < log_share.size(); ++k) {
      const double share = std::exp(log_share[k] - most);
      if (share > 0) last = k;
      passed += share;
      if (u * total < passed) return k;
    }
    return last;
  }

  void read_means(const Setup& setup) {
    const auto given = GivenNumbers::find(setup, "mean");
    if (!given) {
      if (setup.has_weights()) setup.weight("mean");  // throws: a mixture's weights have their means
      mean_ = Matrix::Zero(1, n_);
      return;
    }
    given->require_finite();
    if (given->size() == 0 || given->size() % n_ != 0)
      throw given->error("must have a multiple of " + std::to_string(n_) + " numbers ([components, " +
                         std::to_string(n_) + "]), got " + std::to_string(given->size()));
    mean_ = given->matrix(given->size() / n_, n_);
  }

  void read_weights(const Setup& setup) {
    const auto given = GivenNumbers::find(setup, "weight");
    const Vector weights =
        given ? (given->require_size(components()), given->vector(components())) : Vector::Ones(components());
    if (given) given->require_positive();
    for (const double weight : weights) weight_.push_back(weight / weights.sum());
  }

  void read_laws(const Setup& setup) {
    const auto variance = GivenNumbers::find(setup, "variance");
    const auto covariance = GivenNumbers::find(setup, "covariance");
    const int64_t square = n_ * n_;
    if (covariance) {
      if (variance) throw covariance->error("must be left out where variance is given. Keep one");
      covariance->require_finite();
      if (covariance->size() != square && covariance->size() != components() * square)
        throw covariance->error("must have " + std::to_string(square) + " or " + std::to_string(components() * square) +
                                " numbers, got " + std::to_string(covariance->size()));
      for (int64_t k = 0; k < components(); ++k)
        law_.emplace_back(
            DenseNormal(mean_.row(k),
                        inverse_of(positive_definite(*covariance, n_, covariance->size() == square ? 0 : k * square))));
      return;
    }
    if (variance) variance->require_positive();
    if (variance && variance->size() != 1 && variance->size() != components() && variance->size() != mean_.size())
      throw variance->error("must have 1, " + std::to_string(components()) + " or " + std::to_string(mean_.size()) +
                            " numbers, got " + std::to_string(variance->size()));
    for (int64_t k = 0; k < components(); ++k) {
      Vector diagonal = Vector::Ones(n_);
      if (variance && variance->size() == mean_.size())
        diagonal = variance->vector(n_, k * n_);
      else if (variance)
        diagonal *= (*variance)[variance->size() == 1 ? 0 : k];
      law_.emplace_back(LowRankNormal(mean_.row(k), std::move(diagonal), Matrix(n_, 0)));
    }
  }

  void flatten(const Setup& setup) {
    on_cuda_ = setup.on_cuda();
    std::vector<Real> mean(mean_.data(), mean_.data() + mean_.size()), precision;
    for (size_t k = 0; k < law_.size(); ++k) {
      if (const DenseNormal* dense = std::get_if<DenseNormal>(&law_[k])) {
        const Matrix matrix = dense->precision();
        precision.insert(precision.end(), matrix.data(), matrix.data() + matrix.size());
      } else {
        for (const double variance : std::get<LowRankNormal>(law_[k]).variance())
          precision.push_back(static_cast<Real>(1 / variance));
      }
      const double log_determinant = std::visit([](const auto& law) { return law.log_determinant(); }, law_[k]);
      constant_.push_back(0.5 * (static_cast<double>(n_) * kLog2Pi + log_determinant) - std::log(weight_[k]));
    }
    means_ = DeviceArray<Real>(setup, std::move(mean));
    precisions_ = DeviceArray<Real>(setup, std::move(precision));
    constants_ = DeviceArray<double>(setup, constant_);
  }

  int64_t components() const { return mean_.rows(); }
  MixtureLaws<Real> laws() const {
    return {components(),     n_, std::holds_alternative<DenseNormal>(law_[0]), means_.data(), precisions_.data(),
            constants_.data()};
  }
  MixtureTask<Real> task_of(const Call<Real>& call) const {
    return {laws(),          call.rows(),        call.input(),      call.energy(),
            call.gradient(), call.row_weights(), call.accumulate(), call.raw().workspace};
  }

  int64_t n_;
  bool on_cuda_ = false;
  Matrix mean_;  // [K, n]
  std::vector<double> weight_, constant_;
  std::vector<Law> law_;
  DeviceArray<Real> means_, precisions_;
  DeviceArray<double> constants_;
};

}  // namespace
}  // namespace potluck::models

using potluck::models::GaussianMixture;
POTLUCK_EXPORT_PLUGIN("potluck.gaussian_mixture", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Mixtures of Gaussians", GaussianMixture);
