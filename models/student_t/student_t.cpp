// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"
#include "models/student_t/student_t_terms.h"

namespace potluck::models {
namespace {

/// Independent Student t variables: E = sum_i (nu_i + 1)/2 log(1 + ((x_i - m_i)/s_i)^2 / nu_i), so that a coordinate's
/// Z is s sqrt(nu pi) Gamma(nu/2) / Gamma((nu + 1)/2). The variance is s^2 nu/(nu - 2) where nu > 2, else infinite.
template <class Real>
class StudentT : public RowModel<StudentTTerms, Real> {
 public:
  static constexpr const char* name = "student_t";
  static constexpr const char* summary =
      "Independent Student t coordinates: heavy tails, from which Langevin steps return slowly";
  static constexpr const char* reference = "Student 1908, The probable error of a mean, Biometrika 6";
  static constexpr plugin::Setting settings[] = {
      plugin::real("degrees_of_freedom", "nu; 1 is Cauchy's law: one number for all coordinates, or one for each")
          .list()
          .at_least(1e-2)
          .at_most(1e9)
          .preset("4"),
      plugin::real("location", "centre m: one number for all coordinates, or one for each").list().preset("0"),
      plugin::real("scale", "scale s, not the standard deviation: one number for all coordinates, or one for each")
          .list()
          .at_least(1e-15)
          .at_most(1e15)
          .preset("1")};

  explicit StudentT(const plugin::Setup& setup)
      : RowModel<StudentTTerms, Real>(setup),
        nu_(setup.spread("degrees_of_freedom", setup.size())),
        location_(setup.spread("location", setup.size())),
        scale_(setup.spread("scale", setup.size())),
        location_table_(setup, location_),
        inverse_scale_table_(setup, each(scale_, [](double s) { return 1 / s; })),
        inverse_nu_table_(setup, each(nu_, [](double nu) { return 1 / nu; })),
        power_table_(setup, each(nu_, [](double nu) { return (nu + 1) / 2; })) {
    this->terms_ = {location_table_.data(), inverse_scale_table_.data(), inverse_nu_table_.data(), power_table_.data()};
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.draw_uniforms = 2 * static_cast<int64_t>(nu_.size());
    return facts;
  }

  std::optional<double> log_normaliser() const {
    double sum = 0;
    for (size_t j = 0; j < nu_.size(); ++j) {
      // lgamma(nu/2) - lgamma((nu + 1)/2) cancels where nu is large: there by its series, good to 1e-16 at nu = 1e4.
      const double nu = nu_[j];
      const double ratio = nu < 1e4 ? std::lgamma(nu / 2) - std::lgamma((nu + 1) / 2)
                                    : -std::log(nu / 2) / 2 + 1 / (4 * nu) - 1 / (24 * nu * nu * nu);
      sum += std::log(scale_[j]) + std::log(nu * std::numbers::pi) / 2 + ratio;
    }
    return sum;
  }

  /// sqrt(nu (U^(-2/nu) - 1)) cos(2 pi V) (Bailey 1994). Any coordinates may be held.
  bool draw(const plugin::DrawCall<Real>& draw) const {
    draw_independent(draw, 2, [&](int64_t j, std::span<const double> uniforms) {
      const double radius = std::sqrt(nu_[j] * std::expm1(-2 / nu_[j] * std::log(uniforms[0])));
      return location_[j] + scale_[j] * radius * std::cos(2 * std::numbers::pi * uniforms[1]);
    });
    return true;
  }

 private:
  template <class Function>
  static std::vector<double> each(std::vector<double> values, Function function) {
    for (double& value : values) value = function(value);
    return values;
  }

  std::vector<double> nu_, location_, scale_;
  CoordinateTable<Real> location_table_, inverse_scale_table_, inverse_nu_table_, power_table_;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.student_t", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors", "Student t variables",
                      potluck::models::StudentT);
