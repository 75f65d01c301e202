// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace potluck::models {

/// The law of one coordinate whose density exp(-E(x))/Z is symmetric about 0: its normaliser, and draws by inversion.
///
/// The part of the half line that holds mass is cut into cells, each integrated by a ten-point Gauss-Legendre rule.
/// With cells narrower than the features of the density (a third of a standard deviation) integrals are good to
/// rounding.
template <class EnergyFunction>
class SymmetricLaw {
 public:
  static constexpr double kLowest = 700;  ///< beyond this energy above the least, the density is 0 in double

  /// @param energy       double(double x), least energy about 0
  /// @param least, most  the ends of |x| between which energy < kLowest
  SymmetricLaw(EnergyFunction energy, double least, double most) : energy_(energy) {
    for (int i = 0; i <= kCells; ++i) edges_.push_back(least + (most - least) * i / kCells);
    below_.push_back(0);
    for (int i = 0; i < kCells; ++i) below_.push_back(below_.back() + integral(edges_[i], edges_[i + 1]));
  }

  double log_normaliser() const { return std::log(2 * below_.back()); }

  /// The quantile of `uniform` in (0, 1): its half is the sign, the rest the mass of |x| below the draw.
  double draw(double uniform) const {
    const double centred = 2 * uniform - 1;
    const double mass = std::abs(centred) * below_.back();
    const size_t above = static_cast<size_t>(std::upper_bound(below_.begin(), below_.end(), mass) - below_.begin());
    const size_t cell = std::min(above, below_.size() - 1) - 1;
    const double edge = edges_[cell], inside = below_[cell + 1] - below_[cell];
    double least = edge, most = edges_[cell + 1];
    double at = least + (most - least) * std::clamp(inside > 0 ? (mass - below_[cell]) / inside : 0.5, 0.0, 1.0);
    for (int step = 0; step < 60; ++step) {  // Newton, kept inside the bracket; three steps as a rule
      const double excess = below_[cell] + integral(edge, at) - mass;
      (excess > 0 ? most : least) = at;
      const double change = -excess / density(at);
      const bool within = at + change >= least && at + change <= most;
      at = within ? at + change : (least + most) / 2;
      if (within && std::abs(change) <= 1e-9 * at) break;  // the next step would be its square
    }
    return std::copysign(at, centred);
  }

 private:
  static constexpr int kCells = 256;

  double density(double x) const { return std::exp(-energy_(x)); }

  double integral(double least, double most) const {
    static constexpr std::array<double, 5> kNodes = {0.14887433898163122, 0.43339539412924719, 0.67940956829902441,
                                                     0.86506336668898451, 0.97390652851717172};
    static constexpr std::array<double, 5> kWeights = {0.29552422471475287, 0.26926671930999636, 0.21908636251598204,
                                                       0.14945134915058059, 0.066671344308688138};
    const double centre = (least + most) / 2, half = (most - least) / 2;
    double sum = 0;
    for (size_t i = 0; i < kNodes.size(); ++i)
      sum += kWeights[i] * (density(centre - half * kNodes[i]) + density(centre + half * kNodes[i]));
    return sum * half;
  }

  EnergyFunction energy_;
  std::vector<double> edges_;  // of cells of |x|
  std::vector<double> below_;  // unnormalised mass between the first edge and each edge
};

}  // namespace potluck::models
