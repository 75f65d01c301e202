// SPDX-License-Identifier: Apache-2.0
#include "tests/exactness/exact_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "tests/exactness/effort.h"

namespace potluck::testing {

namespace {

constexpr int kMoves = 20;

int64_t chains() { return 1000000 * effort(); }

std::string text(double number) { return fmt::format("{:.17g}", number); }

double acceptance_of(const Method& method, const ExactTarget& target) {
  const auto energy = target.energy(1);
  Walkers walkers(*energy, method, target.draw(4096), 8);
  walkers.move(10);
  return walkers.acceptance() / 10;
}

}  // namespace

const std::vector<ExactKernel>& exact_kernels() {
  // Trajectories of hmc are of 1 to 6 leapfrogs.
  static const std::vector<ExactKernel> all = {
      {"mala",
       [](double h) {
         return named("mala", {{"step_size", text(h * h / 2)}});
       }},
      {"hmc",
       [](double h) {
         return named("hmc", {{"step_size", text(h)}, {"trajectory_length", text(3 * h)}});
       }},
      {"ghmc",
       [](double h) {
         return named("ghmc", {{"step_size", text(h)}, {"leapfrogs", "3"}, {"kept", "0.8"}});
       }},
      {"adjusted_mclmc",
       [](double h) {
         return named("adjusted_mclmc", {{"step_size", text(h)}, {"trajectory_length", text(3 * h)}});
       },
       2},
  };
  return all;
}

std::vector<KernelOnTarget> kernels_on_targets() {
  std::vector<KernelOnTarget> all;
  for (size_t k = 0; k < exact_kernels().size(); ++k) {
    for (size_t t = 0; t < exact_targets().size(); ++t) {
      if (exact_targets()[t].n >= exact_kernels()[k].least_coordinates) all.push_back({k, t});
    }
  }
  return all;
}

std::string name_of(const KernelOnTarget& one) {
  std::string name = one.kernel().name + "_" + one.target().name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

void PrintTo(const KernelOnTarget& one, std::ostream* out) { *out << one.kernel().name << " on " << one.target().name; }

double step_size_for(const ExactKernel& kernel, const ExactTarget& target, double acceptance) {
  double low = 1e-3, high = 20;
  for (int i = 0; i < 16; ++i) {
    const double middle = std::sqrt(low * high);
    (acceptance_of(*kernel.at(middle), target) > acceptance ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

Distance distance_after(const ExactTarget& target, const Energy& energy, const Method& method) {
  const int64_t count = chains();
  Walkers walkers(energy, method, target.draw(count), rotated(3));
  walkers.move(kMoves);
  const std::vector<double> x = walkers.positions();
  Distance worst;
  worst.acceptance = walkers.acceptance() / kMoves;
  for (const ExactTarget::Marginal& marginal : target.marginals) {
    std::vector<double> values(count);
    for (int64_t chain = 0; chain < count; ++chain) values[chain] = marginal.of(&x[chain * target.n]);
    worst.d = std::max(worst.d, kolmogorov(values, marginal.cdf));
    worst.z =
        std::max({worst.z, std::fabs(z_mean(values, marginal.mean)), std::fabs(z_variance(values, marginal.variance))});
  }
  return worst;
}

double flux(const ExactTarget& target, const Energy& energy, const Method& method) {
  const int64_t count = chains();
  Walkers walkers(energy, method, target.draw(count), rotated(6));
  std::vector<double> sum(count), before = walkers.positions();
  for (int move = 0; move < kMoves; ++move) {
    walkers.move(1);
    std::vector<double> after = walkers.positions();
    for (int64_t c = 0; c < count; ++c) {
      sum[c] += before[c] * before[c] * before[c] * after[c] - before[c] * after[c] * after[c] * after[c];
    }
    before = std::move(after);
  }
  return std::fabs(z_mean(sum, 0));
}

}  // namespace potluck::testing
