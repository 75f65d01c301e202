// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <potluck/model.hpp>
using namespace potluck::plugin;

class Ring {  // E = stiffness (|x| - radius)^2 / 2
 public:
  static constexpr const char* name = "acme.ring";
  static constexpr const char* summary = "Points near a circle, sphere, ... of some radius";
  static constexpr Setting settings[] = {real("radius", "of the circle").at_least(0).preset("1"),
                                         real("stiffness", "1 / variance of the distance").at_least(0).preset("10")};
  explicit Ring(const Setup& setup) : radius_(setup.real("radius")), stiffness_(setup.real("stiffness")) {}

  template <class Real>
  double energy(const Row<Real>& row) const {
    double squares = 0;
    for (const Real x : row.input()) squares += double{x} * x;
    const double length = std::sqrt(squares), slope = stiffness_ * (length - radius_);
    for (size_t j = 0; j < row.gradient().size(); ++j)
      row.gradient()[j] = Real(length > 0 ? slope * row.input()[j] / length : 0);
    return slope * (length - radius_) / 2;
  }

 private:
  double radius_, stiffness_;
};
POTLUCK_EXPORT_PLUGIN("acme.ring", "1.0.0", "Apache-2.0", "Acme", "Rings", Ring);
