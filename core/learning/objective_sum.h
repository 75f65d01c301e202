// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/learning/objective.h"

namespace potluck {

/// L = L_1 + weight L_2 of the same rows. The figures are the loss and those of both, with the name of their
/// objective in front.
class ObjectiveSum final : public Objective {
 public:
  ObjectiveSum(std::unique_ptr<Objective> first, double weight, std::unique_ptr<Objective> second);

  const char* name() const override { return name_.c_str(); }
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  Figures assess(int64_t first, Batch& data) override;
  void persist(StateArchive& archive) override;

 private:
  Figures together(const Figures& first, const Figures& second) const;

  std::unique_ptr<Objective> first_, second_;
  double weight_;
  std::string name_;
};

}  // namespace potluck
