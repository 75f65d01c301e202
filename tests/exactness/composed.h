// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compose/plan/plan.h"
#include "compose/tree/tree.h"
#include "core/sampling/run/run.h"
#include "core/sampling/start/start.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {

/// Chains of a correct composition, and of a broken one: at 10^5 the twins are still tens of standard errors away. A
/// Kolmogorov distance must then be larger in proportion to 1/sqrt(n).
inline constexpr int64_t kComposedChains = 1000000, kBrokenChains = 100000;
inline const double kBrokenRejectD = kRejectD * std::sqrt(10.0);

/// The last draw of a run.
struct LastDraw {
  RunSummary summary;
  std::vector<std::vector<double>> column;  ///< one for each number of the state, variable after variable: [chains]
  std::vector<uint8_t> frozen;              ///< [chains]
};

/// A composition as a user writes it: the text is a file, the models come from their plugins through a registry, and
/// the run is the engine's own.
class Composed {
 public:
  /// @param text    variables, energies, target and what else stands above `sample`
  /// @param sample  what `sample` says besides 10^6 chains of MALA, 20 steps and no warm-up, such as "step_size: 0.5".
  ///                A key that is said again replaces the one here.
  /// @param beside  files that the text names: written into its folder before it is read
  Composed(const std::string& text, const std::string& sample,
           const std::function<void(const std::filesystem::path& folder)>& beside = {});

  const Composition& composition() const { return composition_; }
  const Plan& plan() const { return *plan_; }

  /// The composite's own exact draws. @throws std::runtime_error where it has none.
  std::unique_ptr<Start> exact_draws() const;
  /// Chains that begin at `rows` [chains, numbers of all variables].
  std::unique_ptr<Start> at(const std::vector<double>& rows) const;

  /// @param chains   0: as many as `sample` says
  /// @param instead  a twin of plan() that is sampled in its place
  LastDraw run(const Start& start, int64_t chains = 0, int threads = 0, const Energy* instead = nullptr) const;

 private:
  Composition composition_;
  std::unique_ptr<Plan> plan_;
};

/// Mean and covariance of some numbers of the state.
struct Moments {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// The largest |z| over the means of the named columns and over the means of their products about the expected means,
/// each by its own standard error.
double worst_z(const LastDraw& draw, const std::vector<size_t>& columns, const Moments& expected);

/// The last draws of a correct composition and of its twin.
struct RightAndBroken {
  LastDraw right, broken;
};

/// `right` keeps the law that `start` is drawn from, and `broken`, begun there too, leaves it: the check sees both.
RightAndBroken expect_law(const Composed& right, const Composed& broken, const Start& start,
                          const std::vector<size_t>& columns, const Moments& expected);

/// One number.
Moments moments(double mean, double variance);

/// Mean and covariance of the coordinates that are left of N(mean, covariance) when `held` have `values`.
Moments conditioned(const Moments& joint, const std::vector<int>& held, const std::vector<double>& values);

/// A density on a box of one or two dimensions, not normalised.
struct BoxedDensity {
  std::vector<double> least, most;
  double peak;  ///< no value is above it
  std::function<double(const double* x)> of;

  /// Independent exact draws [count, dimensions], by rejection.
  std::vector<double> draw(int64_t count, uint64_t seed) const;
  /// By the midpoint rule on 1000 cells a side, whose relative error is about 10^-6: a thousandth of a standard error.
  Moments moments() const;
};

/// Numbers as YAML, every digit: "[1, 0.25]".
std::string yaml(const Eigen::MatrixXd& row_by_row);

}  // namespace potluck::testing
