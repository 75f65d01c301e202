// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/nested_rhat.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/diagnostics/moments.h"
#include "core/error.h"

namespace potluck {

double nested_rhat(const ChainValues& draws, std::span<const int64_t> superchain) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (!superchain.empty() && static_cast<int64_t>(superchain.size()) != draws.chains) {
    throw SettingError(fmt::format("nested_rhat: superchain must have one number a chain, {}, got {}", draws.chains,
                                   superchain.size()));
  }
  std::map<int64_t, Moments> chain_means;  // of each superchain
  double variances = 0;                    // sum over chains of the variance within
  for (int64_t chain = 0; chain < draws.chains; ++chain) {
    Moments own(1);
    for (int64_t draw = 0; draw < draws.draws; ++draw) {
      const double& value = draws.values[static_cast<size_t>(chain * draws.draws + draw)];
      if (!std::isfinite(value)) return kNan;
      own.add(&value);
    }
    if (draws.draws > 1) variances += own.variance(0);
    const double mean = own.mean(0);
    chain_means.try_emplace(superchain.empty() ? chain : superchain[static_cast<size_t>(chain)], 1)
        .first->second.add(&mean);
  }
  const auto superchains = static_cast<int64_t>(chain_means.size());
  if (superchains < 2 || draws.draws < 1) return kNan;

  Moments means(1);
  double squares = 0;  // of the chain means about their superchain's
  for (const auto& [id, of_one] : chain_means) {
    const double mean = of_one.mean(0);
    means.add(&mean);
    if (of_one.count() > 1) squares += of_one.variance(0) * static_cast<double>(of_one.count() - 1);
  }
  double within = variances / static_cast<double>(draws.chains);
  if (draws.chains > superchains) within += squares / static_cast<double>(draws.chains - superchains);
  return within > 0 ? std::sqrt(1 + means.variance(0) / within)
                    : (means.variance(0) > 0 && draws.chains * draws.draws > superchains
                           ? std::numeric_limits<double>::infinity()
                           : kNan);
}

double nested_rhat_threshold(int64_t chains_a_superchain, double effective_draws, double remembered) {
  return std::sqrt(1 + 1 / (static_cast<double>(chains_a_superchain) * effective_draws) + remembered);
}

std::vector<int64_t> neighbouring_superchains(int64_t chains, int64_t size) {
  std::vector<int64_t> superchain(static_cast<size_t>(chains));
  for (int64_t chain = 0; chain < chains; ++chain) superchain[static_cast<size_t>(chain)] = chain / size;
  return superchain;
}

}  // namespace potluck
