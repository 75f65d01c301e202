// SPDX-License-Identifier: Apache-2.0
#include "apps/record/expert_energies.h"

#include <cmath>
#include <utility>

namespace potluck {

namespace {

double number(const RunRecord& value) { return value.is_number() ? value.get<double>() : std::nan(""); }

}  // namespace

RunRecord expert_energies_record(const EnergyShares& shares, const std::vector<std::string>& experts) {
  const EnergyMoments& m = shares.moments();
  RunRecord list = RunRecord::array();
  for (size_t e = 0; e < experts.size(); ++e) {
    list.push_back({{"name", experts[e]},
                    {"mean", m.expert_mean[e]},
                    {"variance", m.expert_squares[e] / m.count},
                    {"covariance", m.products[e] / m.count},
                    {"share", shares.share(static_cast<int64_t>(e))}});
  }
  return {{"count", m.count}, {"mean", m.mean}, {"variance", m.squares / m.count}, {"experts", list}};
}

EnergyShares energy_shares_of(const RunRecord& record) {
  EnergyMoments m;
  m.count = record.at("count").get<double>();
  m.mean = number(record.at("mean"));
  m.squares = m.count * number(record.at("variance"));
  for (const RunRecord& expert : record.at("experts")) {
    m.expert_mean.push_back(number(expert.at("mean")));
    m.expert_squares.push_back(m.count * number(expert.at("variance")));
    m.products.push_back(m.count * number(expert.at("covariance")));
  }
  return EnergyShares(std::move(m));
}

}  // namespace potluck
