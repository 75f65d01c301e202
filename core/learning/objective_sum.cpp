// SPDX-License-Identifier: Apache-2.0
#include "core/learning/objective_sum.h"

#include <fmt/format.h>

#include <utility>

namespace potluck {

ObjectiveSum::ObjectiveSum(std::unique_ptr<Objective> first, double weight, std::unique_ptr<Objective> second)
    : first_(std::move(first)),
      second_(std::move(second)),
      weight_(weight),
      name_(fmt::format("{} + {:g} {}", first_->name(), weight, second_->name())) {}

Figures ObjectiveSum::together(const Figures& first, const Figures& second) const {
  Figures all = {{"loss", first.front().second + weight_ * second.front().second}};
  for (const Figures* figures : {&first, &second})
    for (const auto& [name, value] : *figures)
      all.emplace_back(fmt::format("{}_{}", (figures == &first ? first_ : second_)->name(), name), value);
  return all;
}

Figures ObjectiveSum::add_gradient(int64_t update, Batch& data, ParameterSums& sums) {
  Batch again = data;
  const Figures first = first_->add_gradient(update, data, sums);
  ParameterSums of_second;
  for (const std::vector<double>& sum : sums) of_second.emplace_back(sum.size());
  const Figures second = second_->add_gradient(update, again, of_second);
  for (size_t a = 0; a < sums.size(); ++a)
    for (size_t i = 0; i < sums[a].size(); ++i) sums[a][i] += weight_ * of_second[a][i];
  return together(first, second);
}

Figures ObjectiveSum::assess(int64_t first, Batch& data) {
  Batch again = data;
  const Figures of_first = first_->assess(first, data);
  return together(of_first, second_->assess(first, again));
}

void ObjectiveSum::persist(StateArchive& archive) {
  first_->persist(archive);
  second_->persist(archive);
}

}  // namespace potluck
