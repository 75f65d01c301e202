// SPDX-License-Identifier: Apache-2.0
// Every exact kernel keeps an exact start: n = 10^6 chains, 20 moves, at step sizes that accept .9, .75 and .6; and has
// no flux in equilibrium. A method joins with a row of exact_kernels().
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/exactness/effort.h"
#include "tests/exactness/exact_kernel.h"

namespace potluck::testing {
namespace {

class ExactKernelTest : public ::testing::TestWithParam<KernelOnTarget> {
 protected:
  const ExactKernel& kernel() const { return GetParam().kernel(); }
  const ExactTarget& target() const { return GetParam().target(); }
};

/// A row of docs/exactness.md (table.py makes it of the properties).
template <class Test>
void record(Test& test, const std::string& what, const Distance& distance, double step_size) {
  test.RecordProperty("row " + what, fmt::format("step size {:.4g}, acceptance {:.3f}, D {:.5f}, largest z {:.2f}",
                                                 step_size, distance.acceptance, distance.d, distance.z));
}

TEST_P(ExactKernelTest, KeepsAnExactStart) {
  const auto energy = target().energy(1);
  for (const double acceptance : {0.9, 0.75, 0.6}) {
    const double step_size = step_size_for(kernel(), target(), acceptance);
    const Distance distance = distance_after(target(), *energy, *kernel().at(step_size));
    EXPECT_LT(distance.d, scaled_d(kPassD)) << "at acceptance " << acceptance << ", step size " << step_size;
    EXPECT_LT(distance.z, kPass) << "at acceptance " << acceptance << ", step size " << step_size;
    record(*this, fmt::format("acceptance {:.2f}", acceptance), distance, step_size);
  }
}

TEST_P(ExactKernelTest, RejectsAKernelAimedAtAnotherTemperature) {
  const auto energy = target().energy(1.1);
  const double step_size = step_size_for(kernel(), target(), 0.75);
  const Distance distance = distance_after(target(), *energy, *kernel().at(step_size));
  EXPECT_GT(distance.d, kRejectD);
  record(*this, "twin: 1.1 log p", distance, step_size);
}

INSTANTIATE_TEST_SUITE_P(All, ExactKernelTest, ::testing::ValuesIn(kernels_on_targets()),
                         [](const auto& tested) { return name_of(tested.param); });

// The table's step sizes of MALA are those that the bisection finds: eps = h^2/2.
TEST(ExactKernelsTest, FindTheStepSizesOfTheTable) {
  for (const ExactTarget& target : exact_targets()) {
    for (const ExactTarget::Tuning& tuning : target.mala) {
      const double h = step_size_for(exact_kernels()[0], target, tuning.acceptance);
      EXPECT_NEAR(h * h / 2 / tuning.step_size, 1, 0.1) << target.name << ' ' << tuning.acceptance;
    }
  }
}

// Detailed balance: f = x^3 x' - x x'^3 is antisymmetric, so its stationary mean over one reversible move is zero.
TEST(ExactKernelsTest, HaveNoFluxInEquilibrium) {
  const ExactTarget& mixture = exact_targets()[1];
  const auto energy = mixture.energy(1), colder = mixture.energy(1.1);
  for (const ExactKernel& kernel : exact_kernels()) {
    if (!kernel.flux || kernel.least_coordinates > 1) continue;
    const double step_size = step_size_for(kernel, mixture, 0.75);
    EXPECT_LT(flux(mixture, *energy, *kernel.at(step_size)), kPass) << kernel.name;
    EXPECT_GT(flux(mixture, *colder, *kernel.at(step_size)), kReject) << kernel.name;
  }
}

}  // namespace
}  // namespace potluck::testing
