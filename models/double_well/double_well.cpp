// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>

#include "models/double_well/double_well_terms.h"
#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"
#include "models/row_model/symmetric_law.h"

namespace potluck::models {
namespace {

/// One coordinate, in double.
struct Well {
  double barrier;
  double operator()(double x) const { return barrier * (x - 1) * (x - 1) * (x + 1) * (x + 1); }
};

SymmetricLaw<Well> law_of(double barrier) {
  const double reach = std::sqrt(SymmetricLaw<Well>::kLowest / barrier);  // the energy is kLowest at |x^2 - 1| = reach
  return {Well{barrier}, std::sqrt(std::max(0.0, 1 - reach)), std::sqrt(1 + reach)};
}

/// E = sum_i b_i (x_i^2 - 1)^2: two wells at -1 and 1, b temperatures below the hill between them.
/// A coordinate's Z = pi/2 e^(-b/2) (I(-1/4, b/2) + I(1/4, b/2)) (Bessel functions); computed by quadrature, which also
/// serves large b.
template <class Real>
class DoubleWell : public RowModel<DoubleWellTerms, Real> {
 public:
  static constexpr const char* name = "double_well";
  static constexpr const char* summary = "Independent coordinates with two equal wells at -1 and 1";
  static constexpr const char* reference =
      "Kramers 1940, Brownian motion in a field of force and the diffusion model of chemical reactions, Physica 7";
  static constexpr plugin::Setting settings[] = {
      plugin::real("barrier",
                   "b, height of the hill between the wells: one number for all coordinates, or one for each")
          .unit("temperature")
          .list()
          .at_least(1e-6)
          .at_most(1e8)
          .preset("2")};

  explicit DoubleWell(const plugin::Setup& setup)
      : RowModel<DoubleWellTerms, Real>(setup),
        barrier_(setup.spread("barrier", setup.size())),
        table_(setup, barrier_) {
    for (double b : barrier_) law_.push_back(&laws_.try_emplace(b, law_of(b)).first->second);
    this->terms_ = {table_.data()};
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.draw_uniforms = static_cast<int64_t>(barrier_.size());
    return facts;
  }

  std::optional<double> log_normaliser() const {
    double sum = 0;
    for (const SymmetricLaw<Well>* law : law_) sum += law->log_normaliser();
    return sum;
  }

  /// Any coordinates may be held.
  bool draw(const plugin::DrawCall<Real>& draw) const {
    draw_independent(draw, 1, [&](int64_t j, std::span<const double> uniforms) { return law_[j]->draw(uniforms[0]); });
    return true;
  }

 private:
  std::vector<double> barrier_;
  CoordinateTable<Real> table_;
  std::map<double, SymmetricLaw<Well>> laws_;  // one for each different barrier
  std::vector<const SymmetricLaw<Well>*> law_;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.double_well", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Two wells in every coordinate", potluck::models::DoubleWell);
