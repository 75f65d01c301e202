// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/chains/chains.h"
#include "core/energy/whitened_energy.h"
#include "core/state_archive.h"

namespace potluck {

/// The covariance of all numbers that move, pooled over chains and steps in the whitened coordinates z that they now
/// have, and the coordinates that make it round:
///
///   z = m + C z',    C C^T = (n S + d s 1)/(n + d),    s = trace(S)/d
///
/// S is the covariance of n readings of d numbers: the mean of an inverse Wishart law whose prior, round and with the
/// weight of d readings, says that the present coordinates are right. Without it S would be singular where n < d, and
/// its least axes too short where n is not far above.
class DenseMetric {
 public:
  /// Adds the chains of a reading that are `sound`; one whose numbers are not finite is left out.
  void add(const CohortPositions& cohort, const std::vector<uint8_t>& sound,
           const std::vector<std::vector<int64_t>>& moving);
  int64_t readings() const { return count_; }
  void clear();

  struct Change {
    std::vector<double> mean;    ///< m [d]
    std::vector<double> factor;  ///< C [d, d] by rows, lower triangular
  };
  /// None where the covariance is not a positive number of anything.
  std::optional<Change> change() const;

  /// Nothing was read, or positions of d coordinates.
  bool fits(size_t d) const {
    return (mean_.empty() && square_.empty()) || (mean_.size() == d && square_.size() == d * d);
  }
  /// @throws FileError where what is read is nothing that readings can have led to.
  void persist(StateArchive& archive) {
    archive(count_, mean_, square_);
    archive.demand(StateArchive::counted(count_), "readings of a metric");
  }

 private:
  int64_t count_ = 0;
  std::vector<double> mean_;    ///< [d]
  std::vector<double> square_;  ///< [d, d], the lower triangle: sums of products of deviations
};

/// Gives the energy the coordinates z' of the change, and all chains their positions in them. Returns the logarithm of
/// the geometric mean of the axes of C: so much longer were lengths in z.
double change_coordinates(Chains& chains, WhitenedEnergy& energy, const DenseMetric::Change& change);

}  // namespace potluck
