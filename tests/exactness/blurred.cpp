// SPDX-License-Identifier: Apache-2.0
// A model that reads how much noise blurs its law: x ~ sum_k w_k N(m_k, s^2 + noise^2), E = -log density + constant.
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "potluck/model.hpp"

namespace {

using namespace potluck::plugin;

class Blurred {
 public:
  static constexpr const char* name = "test.blurred";
  static constexpr const char* summary = "A mixture of normals of one number, blurred by noise that is given";
  static constexpr Input inputs[] = {continuous("x", "the number that is drawn"),
                                     continuous("noise", "standard deviation of the noise").parent()};
  static constexpr Setting settings[] = {
      real("mean", "m, one for each normal").list().preset("0"), real("weight", "w, likewise").list().preset("1"),
      real("deviation", "s").preset("1"),
      real("least_noise", "a fault: less noise than this is taken for it").at_least(0).preset("0")};

  explicit Blurred(const Setup& setup)
      : mean_(setup.reals("mean").begin(), setup.reals("mean").end()),
        weight_(setup.spread("weight", static_cast<int64_t>(mean_.size()))),
        deviation_(setup.real("deviation")),
        least_noise_(setup.real("least_noise")) {
    // A model that is told of noise that keeps one value may compute with that value alone.
    if (!setup.held(1).empty()) told_ = setup.held_values(1)[0];
  }

  Facts facts() const {
    Facts facts;
    facts.rows_alone = true;
    facts.integrable = true;
    return facts;
  }

  /// E = x^2 / (2 variance) and the log of a sum of exponentials of linear functions of x.
  template <class Real>
  bool gaussian_part(const Call<Real>& given, std::span<double> curvature, std::span<double> mean) const {
    const double noise = std::max(static_cast<double>(given.input(1)[0]), least_noise_);
    curvature[0] = 1 / (deviation_ * deviation_ + noise * noise);
    mean[0] = 0;
    return true;
  }

  template <class Real>
  double energy(const Row<Real>& row) const {
    const double x = static_cast<double>(row.input()[0]);
    const double given = told_ ? *told_ : static_cast<double>(row.input(1)[0]);
    const double noise = std::max(given, least_noise_), variance = deviation_ * deviation_ + noise * noise;
    double density = 0, slope = 0, square = 0;
    for (size_t k = 0; k < mean_.size(); ++k) {
      const double apart = x - mean_[k], own = weight_[k] * std::exp(-apart * apart / (2 * variance));
      density += own;
      slope += own * apart / variance;
      square += own * apart * apart / variance;
    }
    if (row.wants_gradient()) row.gradient()[0] = static_cast<Real>(slope / density);
    if (row.wants_gradient(1)) row.gradient(1)[0] = static_cast<Real>((1 - square / density) * noise / variance);
    return 0.5 * std::log(variance) - std::log(density);
  }

 private:
  std::vector<double> mean_, weight_;
  double deviation_, least_noise_;
  std::optional<double> told_;
};

}  // namespace

POTLUCK_EXPORT_PLUGIN("test.blurred", "1.0.0", "Apache-2.0", "The Potluck authors", "Laws blurred by noise", Blurred);
