// SPDX-License-Identifier: Apache-2.0
// A sound conditional plugin, and ways in which it can be wrong: each ZOO_... that may be defined is one of them
// (CMakeLists.txt).
//
//   E(x | level, label) = q |x|^2 / 2,  q = e^-level (1 + label / 2)
//
// with log Z, its gradient, and the energies of all labels.
#include <cmath>
#include <numbers>

#include "potluck/model.hpp"

using namespace potluck::plugin;

namespace {

class Labels {
 public:
  static constexpr const char* name = ZOO_ID;
  static constexpr const char* summary = "a bowl whose width depends on a level and a label";
  static constexpr Input inputs[] = {continuous("x", "numbers"), continuous("level", "how wide").parent(),
                                     categorical("label", "how steep").parent()};

  explicit Labels(const Setup& setup) : size_(setup.size("x")), categories_(setup.categories("label")) {
    for (const char* one : {"level", "label"})
      if (setup.size(one) != 1)
        throw setup.input_error(one, "must be one number, got " + std::to_string(setup.size(one)));
  }

  Facts facts() const { return {.least_energy = 0, .integrable = true, .bounded_on_boxes = true}; }

  template <class Real>
  double energy(const Row<Real>& row) const {
    const double q = stiffness(static_cast<double>(row.input(1)[0]), row.labels(2)[0]), squares = norm(row.input());
    if (row.wants_gradient())
      for (size_t j = 0; j < row.input().size(); ++j)
        row.gradient()[j] = static_cast<Real>(q * static_cast<double>(row.input()[j]));
    if (row.wants_gradient(1)) row.gradient(1)[0] = static_cast<Real>(-q * squares / 2);
    return q * squares / 2;
  }

  template <class Real>
  bool log_normaliser(const Call<Real>& given, std::span<double> log_z) const {
    const double half = static_cast<double>(size_) / 2;
    for (int64_t row = 0; row < given.rows(); ++row) {
      const double q = stiffness(static_cast<double>(given.input(1)[row]), given.labels(2)[row]);
      log_z[static_cast<size_t>(row)] = half * std::log(2 * std::numbers::pi / q);
      if (given.gradient(1) == nullptr) continue;
      double slope = half;
#ifdef ZOO_NAN_SLOPE
      if (row == 1) slope = NAN;
#endif
#ifdef ZOO_INFINITE_SLOPE
      if (row == 1) slope = INFINITY;
#endif
      const Real before = given.accumulate() ? given.gradient(1)[row] : Real(0);
      given.gradient(1)[row] = before + static_cast<Real>(given.row_weight(row) * slope);
    }
    return true;
  }

  template <class Real>
  void category_energies(const Call<Real>& call, int32_t, double* energy) const {
    for (int64_t row = 0; row < call.rows(); ++row)
      for (int64_t label = 0; label < categories_; ++label) {
        double& one = energy[row * categories_ + label];
        one = stiffness(static_cast<double>(call.input(1)[row]), label) * norm(call.input_row(0, row)) / 2;
#ifdef ZOO_WRONG_LABEL
        if (label == 2) one += 0.5;
#endif
      }
  }

 private:
  static double stiffness(double level, int64_t label) {
    return std::exp(-level) * (1 + 0.5 * static_cast<double>(label));
  }
  template <class Numbers>
  static double norm(const Numbers& x) {
    double squares = 0;
    for (const auto one : x) squares += static_cast<double>(one) * static_cast<double>(one);
    return squares;
  }

  int64_t size_, categories_;
};

}  // namespace

POTLUCK_EXPORT_PLUGIN(ZOO_ID, "1.0.0", "Apache-2.0", "Potluck's tests", "a plugin of the zoo", Labels);
