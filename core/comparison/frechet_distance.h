// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/comparison/rows.h"

namespace potluck {

/// The squared Fréchet distance (Fréchet 1957; Dowson & Landau 1982) of the normal laws that are fitted to two samples:
///
///   |m - n|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2),   m, n the means and A, B the covariances, of divisor rows - 1
///
/// Of features of a network it is what images are judged by (Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter 2017).
/// It sees means and covariances only, and it has a bias: samples of one law are apart, the more the fewer rows.
/// In units of the rows, squared; >= 0. O(rows D^2 + D^3).
double squared_frechet_distance(const Rows& first, const Rows& second);

}  // namespace potluck
