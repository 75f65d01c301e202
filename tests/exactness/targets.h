// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/energy/energy.h"

namespace potluck::testing {

/// A law with exact draws and a known distribution function, on which exact kernels are proved.
struct ExactTarget {
  std::string name;
  int64_t n = 1;
  /// E scaled by a factor: 1.1 is the twin that is aimed at 1.1 log p.
  std::function<std::unique_ptr<Energy>(double factor)> energy;
  std::function<std::vector<double>(int64_t chains)> draw;  ///< [chains, n]
  /// What is compared: coordinates made of a state, each with its distribution function.
  struct Marginal {
    std::string name;
    std::function<double(const double* x)> of;
    std::function<double(double)> cdf;
    double mean, variance;
  };
  std::vector<Marginal> marginals;
  struct Tuning {
    double step_size, acceptance;
  };
  std::vector<Tuning> mala;  ///< step sizes that accept .9, .75 and .6
};

/// log-gamma, mixture of two normals, x^4, banana.
const std::vector<ExactTarget>& exact_targets();

double normal_cdf(double z);

/// The distribution function of the density proportional to `density` on [least, most], by Simpson's rule on a fine
/// grid; also gives moments.
class TabulatedLaw {
 public:
  TabulatedLaw(const std::function<double(double)>& density, double least, double most);
  double cdf(double x) const;
  double quantile(double u) const;  ///< of u in [0, 1)
  double mean() const { return mean_; }
  double variance() const { return variance_; }

 private:
  double least_, width_;
  std::vector<double> cumulated_;
  double mean_ = 0, variance_ = 0;
};

/// The mean acceptance probability in equilibrium of MALA on a 1-D density exp(-E), by two-dimensional quadrature.
double mala_acceptance(const std::function<double(double x, double* gradient)>& energy, double step_size, double least,
                       double most);

}  // namespace potluck::testing
