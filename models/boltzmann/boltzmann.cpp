// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "models/boltzmann/hidden_states.h"
#include "models/learned/initial_numbers.h"
#include "potluck/model.hpp"
#include "potluck/model/normals.hpp"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

/// The free energy of a restricted Boltzmann machine: what is left when its hidden units h in {0, 1} are summed out.
///
///   gaussian   E(x) = sum_i (x_i - a_i)^2 / (2 s^2) - sum_j log(1 + exp(b_j + W_j . x/s))
///   relaxed    E(x) = -sum_i a_i x_i               - sum_j log(1 + exp(b_j + W_j . x))
///
/// The first has real visible units (Welling, Rosen-Zvi & Hinton 2004), and is a mixture of 2^H Gaussians N(a + s W'h,
/// s^2): log Z is a sum over h. The second is the binary machine (Smolensky 1986) with numbers in [0, 1] in place of
/// bits; it is no density without bounds.
template <class Real>
class Boltzmann {
 public:
  static constexpr const char* name = "boltzmann";
  static constexpr const char* summary =
      "Free energy of a restricted Boltzmann machine, with real or relaxed visible units";
  static constexpr const char* reference =
      "M. Welling, M. Rosen-Zvi and G. Hinton (2004). Exponential family harmoniums with an application to information "
      "retrieval. NIPS 17";
  static constexpr Input inputs[] = {continuous("x", "the visible units, of any shape")};
  static constexpr Setting settings[] = {
      integer("hidden", "H, how many hidden units there are").at_least(1).at_most(65536).preset("16"),
      choice("visible", {"gaussian", "relaxed"},
             "gaussian: real numbers. relaxed: numbers in [0, 1] in place of bits; give the variable that support")
          .preset("gaussian"),
      real("scale", "s of gaussian visible units: their standard deviation given the hidden ones")
          .at_least(1e-15)
          .at_most(1e15)
          .preset("1")
          .unit("that of x")};

  explicit Boltzmann(const Setup& setup)
      : gaussian_(setup.choice("visible") == 0),
        hidden_(setup.integer("hidden")),
        n_(setup.size()),
        scale_(gaussian_ ? setup.real("scale") : 1) {
    const auto zero = [](std::vector<double>&) {};
    const auto take = [](const std::vector<double>& numbers, std::vector<Real>& to) {
      to.assign(numbers.begin(), numbers.end());
    };
    take(initial_numbers(setup, "weight", {hidden_, n_},
                         [&](std::vector<double>& numbers) {
                           fill_normal(setup, "weight", 0.1 / std::sqrt(static_cast<double>(n_)), numbers);
                         }),
         weight_);
    take(initial_numbers(setup, "visible_bias", {n_}, zero), visible_bias_);
    take(initial_numbers(setup, "hidden_bias", {hidden_}, zero), hidden_bias_);
    across_.resize(weight_.size());
    parameters_changed(nullptr);
  }

  Facts facts() const {
    Facts facts;
    facts.integrable = gaussian_;
    facts.bounded_on_boxes = true;
    facts.workspace_bytes = static_cast<size_t>(2 * hidden_) * sizeof(Real);
    facts.draw_uniforms = gaussian_ && hidden_ <= kMostCounted ? 1 + uniforms_for_normals(n_) : 0;
    return facts;
  }

  double energy(const Row<Real>& row) const {
    const std::span<const Real> x = row.input();
    const std::span<Real> gradient = row.gradient();
    Real* field = row.call().template workspace<Real>();
    double energy = 0;
    for (int64_t i = 0; i < n_; ++i) {
      const Real off = (x[i] - visible_bias_[i]) / scale();
      energy += gaussian_ ? static_cast<double>(off) * static_cast<double>(off) / 2
                          : -static_cast<double>(visible_bias_[i]) * static_cast<double>(x[i]);
      if (!gradient.empty()) gradient[i] = gaussian_ ? off / scale() : -visible_bias_[i];
    }
    fields_at(x.data(), field, hidden_bias_.data());
    for (int64_t j = 0; j < hidden_; ++j) {
      energy -= static_cast<double>(softplus(field[j]));
      if (gradient.empty()) continue;
      const Real pull = logistic(field[j]) / scale();
      const Real* weight = weight_.data() + j * n_;
      for (int64_t i = 0; i < n_; ++i) gradient[i] -= pull * weight[i];
    }
    return energy;
  }

  /// Of gaussian visible units, where the states of the hidden ones can be counted.
  std::optional<double> log_normaliser() const {
    if (!gaussian_ || hidden_ > kMostCounted) return std::nullopt;
    RunningLogSum states;
    for_each_hidden_state(weight_, visible_bias_, hidden_bias_, scale_,
                          [&](uint64_t, double exponent) { states.add(exponent); });
    return static_cast<double>(n_) * std::log(scale_ * std::sqrt(2 * std::numbers::pi)) + states.value();
  }

  /// d log Z/dp = -E[dE/dp] with the moments of the hidden units, E h_j and E h_j h_k:
  ///   by W_j   E[h_j x/s] = E[h_j] a/s + sum_k E[h_j h_k] W_k      by b_j   E[h_j]      by a_i   sum_j E[h_j] W_ji / s
  bool log_normaliser_gradient(const ParameterCall<Real>& wanted) const {
    if (!gaussian_ || hidden_ > kMostCounted) return false;
    double cotangent = 0;
    for (int64_t b = 0; b < wanted.call().rows(); ++b) cotangent += wanted.cotangent()[b];
    RunningLogSum all;
    for_each_hidden_state(weight_, visible_bias_, hidden_bias_, scale_,
                          [&](uint64_t, double exponent) { all.add(exponent); });
    std::vector<double> both(static_cast<size_t>(hidden_ * hidden_));  // E h_j h_k
    for_each_hidden_state(weight_, visible_bias_, hidden_bias_, scale_, [&](uint64_t state, double exponent) {
      const double share = std::exp(exponent - all.value());
      for (int64_t j = 0; j < hidden_; ++j)
        for (int64_t k = 0; k < hidden_ && (state >> j & 1) != 0; ++k)
          if ((state >> k & 1) != 0) both[static_cast<size_t>(j * hidden_ + k)] += share;
    });
    Real *of_weight = wanted.sum(0), *of_visible = wanted.sum(1), *of_hidden = wanted.sum(2);
    for (int64_t j = 0; j < hidden_; ++j) {
      const double on = both[static_cast<size_t>(j * hidden_ + j)];
      of_hidden[j] += static_cast<Real>(cotangent * on);
      for (int64_t i = 0; i < n_; ++i) {
        double sum = on * static_cast<double>(visible_bias_[i]) / scale_;
        for (int64_t k = 0; k < hidden_; ++k)
          sum += both[static_cast<size_t>(j * hidden_ + k)] * static_cast<double>(weight_[k * n_ + i]);
        of_weight[j * n_ + i] += static_cast<Real>(cotangent * sum);
        of_visible[i] += static_cast<Real>(cotangent * on * static_cast<double>(weight_[j * n_ + i]) / scale_);
      }
    }
    return true;
  }

  /// A state h of the hidden units, then N(a + s W'h, s^2). Nothing may be held: each row would have states of its own.
  bool draw(const DrawCall<Real>& draw) const {
    if (!gaussian_ || hidden_ > kMostCounted || draw.holds_any()) return false;
    HiddenLaw law;
    for_each_hidden_state(weight_, visible_bias_, hidden_bias_, scale_,
                          [&](uint64_t state, double exponent) { law.add(state, exponent); });
    law.finish();
    std::vector<double> normals(static_cast<size_t>(uniforms_for_normals(n_)));
    for (int64_t b = 0; b < draw.rows(); ++b) {
      const std::span<const double> uniforms = draw.uniforms(b);
      const uint64_t state = law.draw(uniforms[0]);
      standard_normals(uniforms.subspan(1), normals);
      for (int64_t i = 0; i < n_; ++i) {
        double pull = normals[static_cast<size_t>(i)];
        for (int64_t j = 0; j < hidden_; ++j)
          if ((state >> j & 1) != 0) pull += static_cast<double>(weight_[j * n_ + i]);
        draw.out(0, b)[i] = static_cast<Real>(static_cast<double>(visible_bias_[i]) + scale_ * pull);
      }
    }
    return true;
  }

  bool gaussian_part(const Call<Real>&, std::span<double> curvature, std::span<double> mean) const {
    std::fill(curvature.begin(), curvature.end(), gaussian_ ? 1 / (scale_ * scale_) : 0.0);
    for (int64_t i = 0; i < n_; ++i) mean[i] = gaussian_ ? static_cast<double>(visible_bias_[i]) : 0.0;
    return true;
  }

  std::vector<Parameter> parameters() {
    return {{"weight", weight_.data(), {hidden_, n_}, true},
            {"visible_bias", visible_bias_.data(), {n_}, true},
            {"hidden_bias", hidden_bias_.data(), {hidden_}, true}};
  }

  void parameters_changed(void*) {
    for (int64_t j = 0; j < hidden_; ++j)
      for (int64_t i = 0; i < n_; ++i) across_[i * hidden_ + j] = weight_[j * n_ + i];
  }

  /// With u = x/s, p_j = logistic(b_j + W_j . u) and d_j = W_j . t/s, of the cotangent c and the tangent t of a row:
  ///   by W_j   -(c p_j + p_j (1 - p_j) d_j) u - p_j t/s
  ///   by b_j   -(c p_j + p_j (1 - p_j) d_j)
  ///   by a_i   -(c (x_i - a_i) + t_i)/s^2, or of relaxed units -(c x_i + t_i)
  void parameter_gradient(const ParameterCall<Real>& wanted) const {
    const Call<Real>& call = wanted.call();
    Real *field = call.template workspace<Real>(), *change = field + hidden_;
    Real *of_weight = wanted.sum(0), *of_visible = wanted.sum(1), *of_hidden = wanted.sum(2);
    for (int64_t b = 0; b < call.rows(); ++b) {
      const Real* x = call.input() + b * n_;
      const Real* tangent = wanted.tangent() ? wanted.tangent() + b * n_ : nullptr;
      const Real cotangent = wanted.cotangent() ? static_cast<Real>(wanted.cotangent()[b]) : Real(0);
      fields_at(x, field, hidden_bias_.data());
      if (tangent) fields_at(tangent, change, nullptr);
      for (int64_t i = 0; i < n_; ++i) {
        const Real off = gaussian_ ? x[i] - visible_bias_[i] : x[i], moved = tangent ? tangent[i] : Real(0);
        of_visible[i] -= (cotangent * off + moved) / scale() / scale();
      }
      for (int64_t j = 0; j < hidden_; ++j) {
        const Real on = logistic(field[j]), moved = tangent ? change[j] : Real(0);
        const Real share = cotangent * on + on * (1 - on) * moved;
        Real* sum = of_weight + j * n_;
        of_hidden[j] -= share;
        for (int64_t i = 0; i < n_; ++i) sum[i] -= share * (x[i] / scale());
        for (int64_t i = 0; i < n_ && tangent; ++i) sum[i] -= on * (tangent[i] / scale());
      }
    }
  }

 private:
  static constexpr int64_t kMostCounted = 20;  ///< hidden units; a million states

  Real scale() const { return static_cast<Real>(scale_); }

  static Real softplus(Real z) { return std::max(z, Real(0)) + std::log1p(std::exp(-std::abs(z))); }
  static Real logistic(Real z) {
    const Real e = std::exp(-std::abs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
  }

  /// field [H] = bias + W x/s. Its loop runs over hidden units, so that the order of each sum is that of the numbers.
  void fields_at(const Real* x, Real* field, const Real* bias) const {
    for (int64_t j = 0; j < hidden_; ++j) field[j] = bias ? bias[j] : Real(0);
    for (int64_t i = 0; i < n_; ++i) {
      const Real u = x[i] / scale();
      const Real* across = across_.data() + i * hidden_;
      for (int64_t j = 0; j < hidden_; ++j) field[j] += across[j] * u;
    }
  }

  bool gaussian_;
  int64_t hidden_, n_;
  double scale_;
  std::vector<Real> weight_, visible_bias_, hidden_bias_;  ///< parameters: W [H, n], a [n], b [H]
  std::vector<Real> across_;                               ///< W transposed [n, H]
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.boltzmann", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Free energy of a restricted Boltzmann machine", potluck::models::Boltzmann);
