// SPDX-License-Identifier: Apache-2.0
// A model that fails on demand. E = x^2/2 below 50; above it a slope of -1000, down which a chain slides by 1000 times
// the step size a step, until it falls off the edge at 3850.
#include <cmath>
#include <limits>

#include "potluck/model.hpp"

namespace {

using namespace potluck::plugin;

class Cliff {
 public:
  static constexpr const char* name = "test.cliff";
  static constexpr const char* summary = "A slope with an edge, beyond which the model fails";
  static constexpr Setting settings[] = {choice("beyond", {"nan", "infinity", "failure"}, "what is beyond the edge")};
  enum Beyond { kNan, kInfinity, kFailure };

  explicit Cliff(const Setup& setup) : beyond_(setup.choice("beyond")) {}

  Facts facts() const {
    Facts facts;
    facts.rows_alone = true;
    return facts;
  }

  template <class Real>
  double energy(const Row<Real>& row) const {
    const double x = static_cast<double>(row.input()[0]);
    double energy = x < 50 ? x * x / 2 : 1250 - 1000 * (x - 50), slope = x < 50 ? x : -1000;
    if (x > 3850) {
      if (beyond_ == kFailure) throw Failure(POTLUCK_NUMERIC, "fell off the edge");
      energy = beyond_ == kNan ? std::nan("") : std::numeric_limits<double>::infinity();
      slope = std::nan("");
    }
    if (row.wants_gradient()) row.gradient()[0] = static_cast<Real>(slope);
    return energy;
  }

 private:
  int64_t beyond_;
};

}  // namespace

POTLUCK_EXPORT_PLUGIN("test.cliff", "1.0.0", "Apache-2.0", "The Potluck authors", "Failures on demand", Cliff);
