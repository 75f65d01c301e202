// SPDX-License-Identifier: Apache-2.0
#include "core/chains/rank_chains.h"

#include <algorithm>
#include <utility>

namespace potluck {

/// @param width elements of a row.
template <class T>
void RankChains::keep(std::vector<T>& from, std::vector<T>& to, size_t width) const {
  if (count_ == chains_.count()) {
    std::swap(from, to);
    return;
  }
  to.resize(static_cast<size_t>(count_) * width);
  for (int64_t i = 0; i < count_; ++i) {
    std::copy_n(from.begin() + row(i) * static_cast<int64_t>(width), width,
                to.begin() + i * static_cast<int64_t>(width));
  }
}

void RankChains::read() {
  chains_.read(rows_);
  const auto all = static_cast<size_t>(chains_.count());
  own_.position.resize(rows_.position.size());
  for (size_t v = 0; v < rows_.position.size(); ++v) {
    keep(rows_.position[v], own_.position[v], rows_.position[v].size() / all);
  }
  keep(rows_.energy, own_.energy);
  keep(rows_.frozen, own_.frozen);
  keep(rows_.frozen_step, own_.frozen_step);
  for_each_row_sum(
      [this](const RowSum& about, auto& from, auto& to) {
        if (about.drawn) keep(from, to);
      },
      rows_, own_);
  const size_t sums = rows_.energy_sums.size() / static_cast<size_t>(chains_.count());
  own_.energy_sums.resize(sums * static_cast<size_t>(count_));
  for (size_t number = 0; number < sums; ++number) {
    for (int64_t i = 0; i < count_; ++i) {
      own_.energy_sums[number * static_cast<size_t>(count_) + static_cast<size_t>(i)] =
          rows_.energy_sums[number * static_cast<size_t>(chains_.count()) + static_cast<size_t>(row(i))];
    }
  }
  own_.expert_energy.resize(experts_ * static_cast<size_t>(count_));
  for (size_t e = 0; e < experts_; ++e) {
    for (int64_t i = 0; i < count_; ++i) {
      own_.expert_energy[static_cast<int64_t>(e) * count_ + i] =
          rows_.expert_energy[static_cast<int64_t>(e) * chains_.count() + row(i)];
    }
  }
}

void RankChains::read_gradients() {
  chains_.read_gradients(rows_);
  own_.gradient.resize(rows_.gradient.size());
  for (size_t v = 0; v < rows_.gradient.size(); ++v) {
    keep(rows_.gradient[v], own_.gradient[v], rows_.gradient[v].size() / static_cast<size_t>(chains_.count()));
  }
}

}  // namespace potluck
