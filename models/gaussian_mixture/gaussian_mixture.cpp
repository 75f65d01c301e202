// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include "models/gaussian_mixture/learned_mixture.h"
#include "models/gaussian_mixture/mixture_task.h"
#include "models/learned/initial_numbers.h"
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
      integer("components", "K where nothing gives the means: they are then drawn at random until they are learned")
          .at_least(1)
          .at_most(65536)
          .preset("1"),
      choice("form", {"diagonal", "full"}, "form of covariances that nothing gives, which are 1 until they are learned")
          .preset("diagonal"),
      real("least_variance", "no variance that a round of EM finds is less along any axis")
          .at_least(0)
          .preset("0")
          .unit("that of x, squared"),
  };

  explicit GaussianMixture(const Setup& setup) : n_(setup.size()), on_cuda_(setup.on_cuda()) {
    read_means(setup);
    read_weights(setup);
    read_laws(setup);
    std::vector<Real> means, precisions;
    flatten(means, precisions);
    means_ = DeviceArray<Real>(setup, std::move(means));
    precisions_ = DeviceArray<Real>(setup, std::move(precisions));
    constants_ = DeviceArray<double>(setup, constant_);
    choice_.mean = setup.reals("mean").empty();
    choice_.weight = setup.reals("weight").empty();
    choice_.covariance = setup.reals("variance").empty() && setup.reals("covariance").empty();
    choice_.least_variance = setup.real("least_variance");
    choice_.key = setup.initial_key()[0] ^ (setup.initial_key()[1] * 0x9e3779b97f4a7c15);
  }

  Facts facts() const {
    Facts facts;
    double peak = 0;  // every component at its own mean at once
    for (const double constant : constant_) peak += std::exp(-constant);
    // Of one that is still to be learned nothing is known.
    if (!choice_.from_scratch || components() == 1) facts.least_energy = -std::log(peak);
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

  /// What the settings give stays as it is. None on a GPU, where there is no EM.
  std::vector<Parameter> parameters() {
    if (on_cuda_ || !(choice_.mean || choice_.weight || choice_.covariance)) return {};
    if (!learned_) {
      learned_ = std::make_unique<LearnedMixture<Real>>(mean_, weight_, law_, choice_);
      parameters_changed(nullptr);
    }
    return learned_->parameters();
  }

  void parameters_changed(void*) {
    if (!learned_) return;
    mean_ = learned_->mean();
    weight_ = learned_->weight();
    law_ = learned_->laws();
    std::vector<Real> means, precisions;
    flatten(means, precisions);
    means_ = DeviceArray<Real>(std::move(means));
    precisions_ = DeviceArray<Real>(std::move(precisions));
    constants_ = DeviceArray<double>(constant_);
  }

  void parameter_gradient(const ParameterCall<Real>& wanted) const { learned_->add_gradient(wanted, law_, constant_); }

  std::optional<Statistics> statistics() const {
    if (!learned_) return std::nullopt;
    return learned_->statistics();
  }
  void add_statistics(const Call<Real>& call, int64_t round, std::span<double> sum) const {
    learned_->add_statistics(call, round, law_, constant_, sum);
  }
  void fit(int64_t round, std::span<const double> sum) { learned_->fit(round, sum); }

  /// log Z is 0 whatever the parameters are.
  bool log_normaliser_gradient(const ParameterCall<Real>&) const { return true; }

 private:
  using Law = ComponentLaw;
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
      const int64_t count = setup.integer("components");
      choice_.from_scratch = true;
      mean_ = Matrix::Zero(count, n_);
      std::vector<double> normal(static_cast<size_t>(mean_.size()));
      if (count > 1) fill_normal(setup, "mean", 1, normal);
      std::copy(normal.begin(), normal.end(), mean_.data());
      return;
    }
    given->require_finite();
    if (given->size() == 0 || given->size() % n_ != 0)
      throw given->error("must have a multiple of " + std::to_string(n_) + " numbers ([components, " +
                         std::to_string(n_) + "]), got " + std::to_string(given->size()));
    mean_ = given->matrix(given->size() / n_, n_);
    if (const int64_t count = setup.integer("components"); count != 1 && count != components())
      throw setup.setting_error("components", "must be the number of means where they are given, " +
                                                  std::to_string(components()) + ", got " + std::to_string(count));
  }

  void read_weights(const Setup& setup) {
    const auto given = GivenNumbers::find(setup, "weight");
    if (const auto logs = GivenNumbers::find_weight(setup, "log_weight")) {
      if (given) throw given->error("must be left out, for the weights have an array 'log_weight'. Keep one of them");
      logs->require_size(components());
      logs->require_finite();
      const Vector shares = (logs->vector(components()).array() - logs->vector(components()).maxCoeff()).exp();
      for (const double share : shares) weight_.push_back(share / shares.sum());
      return;
    }
    const Vector weights =
        given ? (given->require_size(components()), given->vector(components())) : Vector::Ones(components());
    if (given) given->require_positive();
    for (const double weight : weights) weight_.push_back(weight / weights.sum());
  }

  void read_laws(const Setup& setup) {
    const auto variance = GivenNumbers::find(setup, "variance");
    const auto covariance = GivenNumbers::find(setup, "covariance");
    const auto log_variance = GivenNumbers::find_weight(setup, "log_variance");
    const auto log_cholesky = GivenNumbers::find_weight(setup, "log_cholesky");
    const int64_t square = n_ * n_;
    if (log_variance || log_cholesky) {
      const GivenNumbers& given = log_cholesky ? *log_cholesky : *log_variance;
      if (variance || covariance || (log_variance && log_cholesky))
        throw given.error("must be left out where variance or covariance is given. Keep one");
      given.require_size(log_cholesky ? components() * square : mean_.size());
      given.require_finite();
      for (int64_t k = 0; k < components(); ++k) {
        if (log_cholesky) {
          const Matrix lower = cholesky_factor(log_cholesky->numbers().data() + k * square, n_);
          law_.emplace_back(DenseNormal(mean_.row(k), lower * lower.transpose()));
        } else {
          law_.emplace_back(
              LowRankNormal(mean_.row(k), Vector(log_variance->vector(n_, k * n_).array().exp()), Matrix(n_, 0)));
        }
      }
      return;
    }
    if (!variance && !covariance && setup.choice("form") == 1) {
      for (int64_t k = 0; k < components(); ++k) law_.emplace_back(DenseNormal(mean_.row(k), Matrix::Identity(n_, n_)));
      return;
    }
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

  /// The laws as loops and kernels take them.
  void flatten(std::vector<Real>& mean, std::vector<Real>& precision) {
    mean.assign(mean_.data(), mean_.data() + mean_.size());
    constant_.clear();
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
  typename LearnedMixture<Real>::Choice choice_;
  std::unique_ptr<LearnedMixture<Real>> learned_;  ///< null until somebody asks for parameters
};

}  // namespace
}  // namespace potluck::models

using potluck::models::GaussianMixture;
POTLUCK_EXPORT_PLUGIN("potluck.gaussian_mixture", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Mixtures of Gaussians", GaussianMixture);
