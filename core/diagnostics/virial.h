// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace potluck {

/// The temperature that draws behave as.
struct VirialEstimate {
  double temperature = 0;     ///< mean over chains; NaN where no chain counts
  double standard_error = 0;  ///< of that mean, from the spread of the chains; NaN below two chains
  int64_t chains = 0;         ///< that had a draw and stayed finite
  /// How far the estimate is from `expected`, as a normal score of Student's t with chains - 1 degrees of freedom: few
  /// chains do not accuse more readily than many. NaN below two chains.
  double z(double expected) const;
};

/// The temperature of one variable's draws.
struct VariableVirial {
  std::string variable;
  VirialEstimate estimate;
};

/// Streaming virial of one variable, chain by chain, over its free coordinates on the real line. Integration by parts
/// of x exp(-E/T), and one step of stationary unadjusted Langevin, x' = x - eps g + sqrt(2 eps T) z, say for any
/// constants c
///
///   exact kernels  E[(x_i - c_i) g_i] = T,                          g = grad E,
///   ULA            E[(x_i - c_i) g_i] - (eps/2) E[g_i^2] = T,
///
/// whatever the energy (the law of the second is ULA's own, biased one: docs/theory.md, 6.3). Where a method clips its
/// gradients, g is the clipped one. Coordinates with a face have a boundary term and must not count.
///
/// Chains must be independent and stationary. A chain that still drifts has a virial of T - (d/dt) E|x - c|^2 / 2, so a
/// deviation accuses the temperature only of chains that agree. Memory: three numbers a chain.
class Virial {
 public:
  /// @param centre  [n] constants c, near the mean for a small standard error; not made of the draws to be added, which
  ///   would bias the virial by T/(number of draws). Such as the means over chains at the end of the warm-up.
  /// @param counts  [n] 1: free and unbounded, 0: left out
  Virial(int64_t chains, std::vector<double> centre, std::vector<uint8_t> counts);

  int64_t chains() const { return static_cast<int64_t>(draws_.size()); }
  int64_t coordinates() const { return coordinates_; }  ///< that count

  /// Adds one draw of a chain. @param x, gradient  [n]; a draw that is not finite takes its chain out of the estimate.
  void add(int64_t chain, const double* x, const double* gradient);
  void add(int64_t chain, const float* x, const float* gradient);
  /// Adds one draw of every chain, those of which `left_out` [chains] is not 0 excepted. @param x, gradient  [chains,
  /// n]
  void add_all(const uint8_t* left_out, const double* x, const double* gradient);
  void add_all(const uint8_t* left_out, const float* x, const float* gradient);

  /// As if the other's draws of the same chains had been added here. @throws SettingError unless centre, counts and
  /// number of chains agree.
  void merge(const Virial& other);
  /// Takes the other's chains in behind these. @throws SettingError unless centre and counts agree.
  void append(const Virial& others);

  /// @param step_size  eps of an unadjusted Langevin step; 0: an exact kernel
  VirialEstimate estimate(double step_size = 0) const;

  /// Names everything that it holds, to one that saves or restores it.
  template <class Archive>
  void persist(Archive& archive) {
    archive(centre_, counts_, coordinates_, draws_, virial_, squares_);
    archive.demand(std::all_of(draws_.begin(), draws_.end(), Archive::counted), "numbers of draws");
  }

 private:
  template <int kRows, typename Number>
  void add_rows(int64_t first, const uint8_t* left_out, const Number* x, const Number* gradient);
  template <typename Number>
  void add_each(const uint8_t* left_out, const Number* x, const Number* gradient);
  void check_same_kind(const Virial& other) const;

  std::vector<double> centre_;
  std::vector<uint8_t> counts_;
  int64_t coordinates_ = 0;
  std::vector<int64_t> draws_;   ///< [chains]
  std::vector<double> virial_;   ///< [chains] sum of (x_i - c_i) g_i over draws and coordinates that count
  std::vector<double> squares_;  ///< [chains] sum of g_i^2
};

/// |z| beyond which a temperature is said to be wrong: a correct run is accused once in 5e8.
inline constexpr double kVirialBound = 6;

/// "the draws behave as at T = 1.21 +- 0.02, but the run is at T = 1" where |z| is beyond the bound; else empty.
std::string virial_verdict(const VirialEstimate& found, double temperature);

}  // namespace potluck
