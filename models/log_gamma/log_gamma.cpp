// SPDX-License-Identifier: Apache-2.0
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "models/log_gamma/log_gamma_terms.h"
#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"

namespace potluck::models {
namespace {

/// E = sum_i e^(x_i) - k_i x_i: e^x is Gamma(k) distributed. A coordinate's Z is Gamma(k), its mean digamma(k), its
/// variance trigamma(k), its least energy k - k log k at x = log k. Above x = 709 (88 in float32) the energy is
/// +infinity, where exp(-E) has long been 0.
template <class Real>
class LogGamma : public RowModel<LogGammaTerms, Real> {
 public:
  static constexpr const char* name = "log_gamma";
  static constexpr const char* summary = "Independent logarithms of Gamma variables: skewed, one exponential wall";
  static constexpr const char* reference =
      "Prentice 1974, A log gamma model and its maximum likelihood estimation, Biometrika 61";
  static constexpr plugin::Setting settings[] = {
      plugin::real("shape", "k, the shape of the Gamma law: one number for all coordinates, or one for each")
          .list()
          .at_least(1e-3)
          .at_most(1e6)
          .preset("1")};

  explicit LogGamma(const plugin::Setup& setup)
      : RowModel<LogGammaTerms, Real>(setup), shape_(setup.spread("shape", setup.size())), table_(setup, shape_) {
    this->terms_ = {table_.data()};
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    // A hair lower than the exact minimum: rounding must not take an energy below it.
    for (double k : shape_)
      facts.least_energy += k - k * std::log(k) - (k + std::abs(k * std::log(k))) * (sizeof(Real) == 4 ? 1e-6 : 1e-14);
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.draw_uniforms = 2 * static_cast<int64_t>(shape_.size());
    return facts;
  }

  std::optional<double> log_normaliser() const {
    double sum = 0;
    for (double k : shape_) sum += std::lgamma(k);
    return sum;
  }

  /// log of Gamma(k + 1) U^(1/k), which is Gamma(k) distributed also where k is small. Any coordinates may be held.
  bool draw(const plugin::DrawCall<Real>& draw) const {
    draw_independent(draw, 2, [&](int64_t j, std::span<const double> uniforms) {
      const double k = shape_[j];
      return std::log(boost::math::gamma_p_inv(k + 1, uniforms[0])) + std::log(uniforms[1]) / k;
    });
    return true;
  }

 private:
  std::vector<double> shape_;
  CoordinateTable<Real> table_;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.log_gamma", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Logarithms of Gamma variables", potluck::models::LogGamma);
