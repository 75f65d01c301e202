// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// A Student's t of `freedom` degrees of freedom as the normal score that is passed as rarely, with its sign: few
/// chains do not accuse more readily than many. At most 37 in size, beyond which the normal's tail is no double.
double normal_score(double t, double freedom);

/// The largest of `comparisons` scores, as the score of a single one that is passed as rarely by chance: its two-sided
/// tail is `comparisons` times as large (Bonferroni). 0 where that is no evidence at all.
double joint_score(double score, int64_t comparisons);

/// Scores beyond which a rule speaks: a sound run is told so, by chance, once in 16000 runs and once in 5e8.
inline constexpr double kDoubtfulScore = 4;
inline constexpr double kSureScore = 6;

}  // namespace potluck
