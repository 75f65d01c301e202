// SPDX-License-Identifier: Apache-2.0
// The exact answers of tests/exactness on the device: a method that joins exact_kernels() is proved here too.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/sampling/annealing/evidence.h"
#include "tests/cuda/composed_on.h"
#include "tests/cuda/visible_device.h"
#include "tests/exactness/effort.h"
#include "tests/exactness/exact_kernel.h"

namespace potluck::testing {
namespace {

/// The energies of exact_targets() as models: [n], and the line of the composition.
const std::map<std::string, std::string>& models() {
  static const std::map<std::string, std::string> all = {
      {"log-gamma", "{model: log_gamma, inputs: x}"},
      {"mixture",
       "{model: gaussian_mixture, inputs: x, settings: {mean: [-2.5, 2.5], weight: [0.7, 0.3], "
       "variance: [0.36, 1]}}"},
      {"x^4", "{model: quartic, inputs: x}"},
      {"banana", "{model: banana, inputs: x}"}};
  return all;
}

/// `weight` times a model's energy over x [n], in float64 on the device, for so many rows a call.
ComposedOn weighed(const std::string& model, int64_t n, double weight, int64_t rows) {
  return {fmt::format("potluck: 1\nvariables:\n  x: {{shape: [{}]}}\nenergies:\n  e: {}\n"
                      "  weighed: {{product: [{{energy: e, weight: {}}}]}}\ntarget: weighed\n"
                      "sample: {{precision: float64}}\n",
                      n, model, weight),
          kCuda, rows};
}

class CudaExactKernelTest : public VisibleDeviceTest, public ::testing::WithParamInterface<KernelOnTarget> {
 protected:
  Distance distance(double weight, double acceptance) const {
    const ExactKernel& kernel = GetParam().kernel();
    const ExactTarget& target = GetParam().target();
    const ComposedOn energy = weighed(models().at(target.name), target.n, weight, 1000000 * effort());
    return distance_after(target, *energy.plan, *kernel.at(step_size_for(kernel, target, acceptance)));
  }
};

TEST_P(CudaExactKernelTest, KeepsAnExactStart) {
  for (const double acceptance : {0.9, 0.6}) {
    const Distance distance = this->distance(1, acceptance);
    EXPECT_LT(distance.d, scaled_d(kPassD)) << "at acceptance " << acceptance;
    EXPECT_LT(distance.z, kPass) << "at acceptance " << acceptance;
    EXPECT_NEAR(distance.acceptance, acceptance, 0.02);
    RecordProperty(fmt::format("acceptance {:.2f}", acceptance),
                   fmt::format("D {:.5f}, largest z {:.2f}", distance.d, distance.z));
  }
}

TEST_P(CudaExactKernelTest, RejectsAKernelAimedAtAnotherTemperature) { EXPECT_GT(distance(1.1, 0.75).d, kRejectD); }

INSTANTIATE_TEST_SUITE_P(All, CudaExactKernelTest, ::testing::ValuesIn(kernels_on_targets()),
                         [](const auto& tested) { return name_of(tested.param); });

using CudaLawsTest = VisibleDeviceTest;

constexpr int64_t kLadders = 50000, kReplicas = 4, kDimension = 2;

/// The largest |z| of the variance over the temperatures 1, 2, 4, 8 and of the swap rate over their pairs, for ladders
/// that begin at exact draws of |x|^2/2 and move in `weight` times that.
std::pair<double, double> of_tempering(double weight) {
  const ComposedOn energy = weighed("{model: gaussian, inputs: x, settings: {mean: 0, variance: 1}}", kDimension,
                                    weight, kLadders * kReplicas);
  const auto method =
      named("parallel_tempering",
            {{"step_size", "0.4"}, {"replicas", "4"}, {"hottest", "8"}, {"swap_every", "1"}, {"ladder", "geometric"}});
  method->prepare({energy.plan.get(), {{}}, 1});
  const std::vector<double> temperature = method->ladder().temperature;
  std::vector<double> start(kLadders * kReplicas * kDimension);
  std::mt19937_64 random(11);
  std::normal_distribution<> z;
  for (size_t i = 0; i < start.size(); ++i) start[i] = std::sqrt(temperature[i / kDimension % kReplicas]) * z(random);
  Walkers walkers(*energy.plan, *method, start, 5);
  walkers.move(20);
  const std::vector<double> x = walkers.positions();
  const ChainsState& state = walkers.state();
  double variance = 0, rate = 0;
  for (int64_t rung = 0; rung < kReplicas; ++rung) {
    std::vector<double> squares(kLadders), rates(kLadders);
    for (int64_t ladder = 0; ladder < kLadders; ++ladder) {
      const int64_t row = ladder * kReplicas + rung;
      for (int64_t j = 0; j < kDimension; ++j)
        squares[ladder] += x[row * kDimension + j] * x[row * kDimension + j] / kDimension;
      rates[ladder] = rung + 1 < kReplicas ? state.swap_acceptance[row] / state.swap_attempts[row] : 0;
    }
    variance = std::max(variance, std::fabs(z_mean(squares, temperature[rung])));
    if (rung + 1 < kReplicas) rate = std::max(rate, std::fabs(z_mean(rates, 2.0 / 3)));
  }
  return {variance, rate};
}

TEST_F(CudaLawsTest, TemperingHasTheVarianceOfEveryTemperatureAndTheExactSwapRate) {
  const auto [variance, rate] = of_tempering(1);
  EXPECT_LT(variance, kPass);
  EXPECT_LT(rate, kPass);
  EXPECT_GT(of_tempering(1.1).first, kReject);
}

// log of the integral of exp(-c x^4) = log(Gamma(1/4) / 2) - log(c) / 4.
TEST_F(CudaLawsTest, EvidenceOfTheQuarticIsExact) {
  AnnealedOptions options;
  options.seed = 11;
  const auto off_by = [&](double weight) {
    const ComposedOn energy = weighed("{model: quartic, inputs: x}", 1, weight, options.particles);
    const Evidence evidence = estimate_evidence({energy.plan.get(), {{}}, 1}, options, 16, nullptr);
    EXPECT_LT(evidence.standard_error, 0.02);
    return std::fabs(evidence.log_z - std::log(std::tgamma(0.25) / 2)) / evidence.standard_error;
  };
  EXPECT_LT(off_by(1), 12.7);  // 16 repeats: as rare as 6 of a normal
  EXPECT_GT(off_by(2), 12.7);
}

}  // namespace
}  // namespace potluck::testing
