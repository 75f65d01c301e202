// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"
#include "models/uniform_box/uniform_box_terms.h"

namespace potluck::models {
namespace {

/// The uniform density on a box: E = 0 inside, faces included, and +infinity outside. log Z = sum log(most - least).
template <class Real>
class UniformBox : public RowModel<UniformBoxTerms, Real> {
 public:
  static constexpr const char* name = "uniform_box";
  static constexpr const char* summary = "Uniform on a box with one interval per coordinate; density zero outside";
  static constexpr const char* reference = "Devroye 1986, Non-Uniform Random Variate Generation, ch. II.1";
  static constexpr plugin::Setting settings[] = {
      plugin::real("least", "lower ends of the intervals: one number for all coordinates, or one for each")
          .list()
          .preset("0"),
      plugin::real("most", "upper ends of the intervals: one number for all coordinates, or one for each")
          .list()
          .preset("1")};

  explicit UniformBox(const plugin::Setup& setup)
      : RowModel<UniformBoxTerms, Real>(setup),
        least_(setup.spread("least", setup.size())),
        most_(setup.spread("most", setup.size())),
        least_table_(setup, least_),
        most_table_(setup, most_) {
    const auto support_least = setup.support_least(), support_most = setup.support_most();
    walls_inside_support_ = support_least.empty();
    for (size_t j = 0; j < least_.size(); ++j) {
      // As the energy sees them: in the model's precision.
      if (!(static_cast<Real>(least_[j]) < static_cast<Real>(most_[j])) || !std::isfinite(most_[j] - least_[j]))
        throw setup.setting_error("most", "must be above 'least' by a finite width, got " + plugin::shown(most_[j]) +
                                              " above " + plugin::shown(least_[j]) + " at coordinate " +
                                              std::to_string(j));
      log_volume_ += std::log(most_[j] - least_[j]);
      if (!support_least.empty()) walls_inside_support_ |= support_least[j] < least_[j] || support_most[j] > most_[j];
    }
    this->terms_ = {least_table_.data(), most_table_.data()};
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    facts.integrable = true;
    facts.hard_walls = walls_inside_support_;
    facts.draw_uniforms = static_cast<int64_t>(least_.size());
    return facts;
  }
  std::optional<double> log_normaliser() const { return log_volume_; }

  /// Any coordinates may be held, if inside.
  bool draw(const plugin::DrawCall<Real>& draw) const {
    for (int64_t b = 0; b < draw.rows(); ++b)
      for (size_t j = 0; j < least_.size(); ++j) {
        if (!draw.held(0, static_cast<int64_t>(j))) continue;
        const Real held = draw.given().input_row(0, b)[j];
        if (!(held >= static_cast<Real>(least_[j]) && held <= static_cast<Real>(most_[j]))) return false;
      }
    draw_independent(draw, 1, [&](int64_t j, std::span<const double> uniforms) {
      // Rounding to the model's precision may step over a face.
      const double drawn = least_[j] + uniforms[0] * (most_[j] - least_[j]);
      return std::min(std::max(static_cast<Real>(drawn), static_cast<Real>(least_[j])), static_cast<Real>(most_[j]));
    });
    return true;
  }

 private:
  std::vector<double> least_, most_;
  CoordinateTable<Real> least_table_, most_table_;
  double log_volume_ = 0;
  bool walls_inside_support_ = true;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.uniform_box", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Uniform densities on boxes", potluck::models::UniformBox);
