// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "models/banana/banana_terms.h"
#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"

namespace potluck::models {
namespace {

/// x1 ~ N(0, s^2) and x2 = b (x1^2 - s^2) + w z with z ~ N(0, 1): E = x1^2 / (2 s^2) + (x2 - b (x1^2 - s^2))^2 / (2
/// w^2). Both means are 0, Z = 2 pi s w.
template <class Real>
class Banana : public RowModel<BananaTerms, Real> {
 public:
  static constexpr const char* name = "banana";
  static constexpr const char* summary = "Two coordinates along a parabola: a curved, narrow ridge";
  static constexpr const char* reference =
      "Haario, Saksman & Tamminen 1999, Adaptive proposal distribution for random walk Metropolis algorithm";
  static constexpr plugin::Setting settings[] = {
      plugin::real("spread", "s, standard deviation of the first coordinate").at_least(1e-6).at_most(1e6).preset("1"),
      plugin::real("bend", "b, how strongly the second coordinate follows the first one's square").preset("1"),
      plugin::real("width", "w, standard deviation across the ridge").at_least(1e-6).at_most(1e6).preset("0.5")};

  explicit Banana(const plugin::Setup& setup)
      : RowModel<BananaTerms, Real>(setup),
        spread_(setup.real("spread")),
        bend_(setup.real("bend")),
        width_(setup.real("width")) {
    if (setup.size() != 2)
      throw setup.input_error("x", "must have 2 numbers in a row, got " + std::to_string(setup.size()));
    this->terms_ = {static_cast<Real>(bend_), static_cast<Real>(spread_ * spread_),
                    static_cast<Real>(1 / (spread_ * spread_)), static_cast<Real>(1 / (width_ * width_))};
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.draw_uniforms = 4;
    return facts;
  }
  std::optional<double> log_normaliser() const { return std::log(2 * std::numbers::pi * spread_ * width_); }

  /// The first coordinate may be held; given the second alone, the first is of no known law.
  bool draw(const plugin::DrawCall<Real>& draw) const {
    const bool first_held = draw.held(0, 0), second_held = draw.held(0, 1);
    if (second_held && !first_held) return false;
    for (int64_t b = 0; b < draw.rows(); ++b) {
      const std::span<const double> uniforms = draw.uniforms(b);
      const std::span<Real> out = draw.out(0, b);
      const Real* given = draw.given().input() ? draw.given().input() + 2 * b : nullptr;
      const double first =
          first_held ? static_cast<double>(given[0]) : spread_ * plugin::normal_of(uniforms[0], uniforms[1]);
      out[0] = first_held ? given[0] : static_cast<Real>(first);
      out[1] = second_held ? given[1]
                           : static_cast<Real>(bend_ * (first * first - spread_ * spread_) +
                                               width_ * plugin::normal_of(uniforms[2], uniforms[3]));
    }
    return true;
  }

 private:
  double spread_, bend_, width_;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.banana", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors", "A curved ridge",
                      potluck::models::Banana);
