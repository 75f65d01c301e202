// SPDX-License-Identifier: Apache-2.0
#include "compose/record/expert_energies.h"

#include <utility>

namespace potluck {

ExpertEnergyFacts expert_energy_facts(const EnergyShares& shares, const std::vector<std::string>& experts) {
  const EnergyMoments& m = shares.moments();
  ExpertEnergyFacts facts{m.count, m.mean, m.squares / m.count, {}};
  for (size_t e = 0; e < experts.size(); ++e)
    facts.experts.push_back({experts[e], m.expert_mean[e], m.expert_squares[e] / m.count, m.products[e] / m.count,
                             shares.share(static_cast<int64_t>(e))});
  return facts;
}

EnergyShares energy_shares_of(const ExpertEnergyFacts& facts) {
  EnergyMoments m;
  m.count = facts.count;
  m.mean = facts.mean;
  m.squares = m.count * facts.variance;
  for (const ExpertEnergyFacts::Expert& expert : facts.experts) {
    m.expert_mean.push_back(expert.mean);
    m.expert_squares.push_back(m.count * expert.variance);
    m.products.push_back(m.count * expert.covariance);
  }
  return EnergyShares(std::move(m));
}

}  // namespace potluck
