// SPDX-License-Identifier: Apache-2.0
#include "compose/start/strata.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/random/philox.h"

namespace potluck {

namespace {

constexpr double kGolden = 0.6180339887498949;

/// 1 <= g <= n, without a divisor in common with n, near `wanted` from above or else from below.
int64_t coprime(int64_t wanted, int64_t n) {
  for (int64_t g = std::max<int64_t>(wanted, 1); g < n; ++g)
    if (std::gcd(g, n) == 1) return g;
  for (int64_t g = std::min(wanted, n - 1); g > 1; --g)
    if (std::gcd(g, n) == 1) return g;
  return 1;
}

}  // namespace

double stratified_uniform(uint32_t seed, size_t choice, int64_t id, const Strata& strata) {
  // No attempt at a start counts so far.
  NoiseAddress at;
  at.seed = seed;
  at.step = 0xffffffffu - static_cast<uint32_t>(choice);
  at.purpose = Purpose::kStart;
  double drawn[2];
  uniforms(at, 2, drawn);
  const int64_t n = std::max<int64_t>(strata.chains / strata.superchain, 1);
  const int64_t c = id / strata.replicas / strata.superchain % n, replica = id % strata.replicas;
  const double wanted = (choice == 0 ? kGolden : drawn[1]) * static_cast<double>(n);
  const int64_t place = coprime(static_cast<int64_t>(wanted), n) * c % n;
  const double sum =
      drawn[0] + static_cast<double>(replica) * kGolden + static_cast<double>(place) / static_cast<double>(n);
  return sum - std::floor(sum);
}

}  // namespace potluck
