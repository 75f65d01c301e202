// SPDX-License-Identifier: Apache-2.0
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "models/quartic/quartic_terms.h"
#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"
#include "models/row_model/symmetric_law.h"

namespace potluck::models {
namespace {

struct FourthPower {
  double operator()(double x) const { return x * x * x * x; }
};

/// E = sum_i c_i x_i^4. c x^4 is Gamma(1/4) distributed, so that a coordinate's Z is Gamma(1/4) / (2 c^(1/4)) and its
/// variance Gamma(3/4) / (Gamma(1/4) sqrt(c)), .3379891 at c = 1.
template <class Real>
class Quartic : public RowModel<QuarticTerms, Real> {
 public:
  static constexpr const char* name = "quartic";
  static constexpr const char* summary =
      "Independent coordinates with energy c x^4: tails far lighter than a Gaussian's";
  static constexpr const char* reference =
      "Subbotin 1923, On the law of frequency of error (the generalised normal law of power 4)";
  static constexpr plugin::Setting settings[] = {
      plugin::real("coefficient", "c in c x^4: one number for all coordinates, or one for each")
          .list()
          .at_least(1e-30)
          .at_most(1e30)
          .preset("1")};

  explicit Quartic(const plugin::Setup& setup)
      : RowModel<QuarticTerms, Real>(setup),
        coefficient_(setup.spread("coefficient", setup.size())),
        table_(setup, coefficient_) {
    this->terms_ = {table_.data()};
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.draw_uniforms = static_cast<int64_t>(coefficient_.size());
    return facts;
  }

  std::optional<double> log_normaliser() const {
    double sum = 0;
    for (double c : coefficient_) sum += std::lgamma(0.25) - std::log(2.0) - std::log(c) / 4;
    return sum;
  }

  /// By inversion at c = 1, scaled. Any coordinates may be held.
  bool draw(const plugin::DrawCall<Real>& draw) const {
    draw_independent(draw, 1, [&](int64_t j, std::span<const double> uniforms) {
      return law_.draw(uniforms[0]) / std::sqrt(std::sqrt(coefficient_[j]));
    });
    return true;
  }

 private:
  std::vector<double> coefficient_;
  CoordinateTable<Real> table_;
  SymmetricLaw<FourthPower> law_{{}, 0, std::sqrt(std::sqrt(SymmetricLaw<FourthPower>::kLowest))};
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.quartic", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors", "Quartic energies",
                      potluck::models::Quartic);
