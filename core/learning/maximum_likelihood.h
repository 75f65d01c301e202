// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/objective.h"

namespace potluck {

/// log Z of an energy, the log integral of exp(-E) over what it draws, as a function of its parameters.
class LogPartition {
 public:
  virtual ~LogPartition() = default;
  /// At the present parameters.
  virtual double value() = 0;
  /// sums[p] += share d log Z/dp
  virtual void add_gradient(double share, ParameterSums& sums) = 0;
};

/// Maximum likelihood: the loss is the mean negative log-likelihood of rows,
///
///   L = mean over rows of E(x) + log Z,   dL/dp = mean dE/dp(data) + d log Z/dp
///
/// with log Z as it is known: no draws are made. The figures are L, the log-likelihood -L and log Z, in nats.
class MaximumLikelihood final : public Objective {
 public:
  /// @param energy  outlives the object  @param how  behind the name, such as " (EM)"
  MaximumLikelihood(BatchEnergy& energy, std::unique_ptr<LogPartition> log_z, const std::string& how);

  const char* name() const override { return name_.c_str(); }
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  Figures assess(int64_t first, Batch& data) override;

  LogPartition& log_partition() { return *log_z_; }
  /// The sum of the energies of rows; adds share dE/dp of each to `sums` where that is not null.
  double add_energies(const Batch& data, double share, ParameterSums* sums);
  static Figures figures(double mean_energy, double log_z);

 private:
  BatchEnergy& energy_;
  const std::unique_ptr<LogPartition> log_z_;
  const std::string name_;
  std::vector<double> energies_;
};

}  // namespace potluck
