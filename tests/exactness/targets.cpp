// SPDX-License-Identifier: Apache-2.0
#include "tests/exactness/targets.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/core/energies.h"

namespace potluck::testing {

namespace {

template <class Row>
std::function<std::unique_ptr<Energy>(double)> scaled(int64_t n, Row row) {
  return [n, row](double factor) -> std::unique_ptr<Energy> {
    const auto times = [row, factor, n](const double* x, double* g) {
      const double energy = factor * row(x, g);
      for (int64_t j = 0; j < n; ++j) g[j] *= factor;
      return energy;
    };
    return std::make_unique<RowEnergy<decltype(times)>>(line("x", n), times);
  };
}

template <class One>
std::function<std::vector<double>(int64_t)> drawn(int64_t n, One one) {
  return [n, one](int64_t chains) {
    std::mt19937_64 source(20);
    std::vector<double> x(chains * n);
    for (int64_t chain = 0; chain < chains; ++chain) one(source, &x[chain * n]);
    return x;
  };
}

double first(const double* x) { return x[0]; }

// E = e^y - y: y is the log of an Exp(1). Mean digamma(1), variance trigamma(1) = pi^2/6.
ExactTarget log_gamma() {
  ExactTarget t;
  t.name = "log-gamma";
  t.energy = scaled(1, [](const double* x, double* g) {
    g[0] = std::exp(x[0]) - 1;
    return std::exp(x[0]) - x[0];
  });
  t.draw = drawn(1, [](std::mt19937_64& s, double* x) { x[0] = std::log(std::exponential_distribution<>()(s)); });
  t.marginals = {
      {"y", first, [](double y) { return -std::expm1(-std::exp(y)); }, -0.5772156649015329, M_PI * M_PI / 6}};
  t.mala = {{0.504, 0.9}, {1.10, 0.75}, {1.82, 0.6}};
  return t;
}

// .7 N(-2.5, .6^2) + .3 N(2.5, 1). Mean -1; variance .7 (.36 + 1.5^2) + .3 (1 + 3.5^2) = 5.802.
ExactTarget mixture() {
  ExactTarget t;
  t.name = "mixture";
  t.energy = scaled(1, [](const double* x, double* g) {
    const double a = (x[0] + 2.5) / 0.6, b = x[0] - 2.5;
    const double log_p = std::log(0.7 / 0.6) - a * a / 2, log_q = std::log(0.3) - b * b / 2;
    const double top = std::max(log_p, log_q);
    const double p = std::exp(log_p - top), q = std::exp(log_q - top);
    g[0] = (p * a / 0.6 + q * b) / (p + q);
    return -top - std::log(p + q);
  });
  t.draw = drawn(1, [](std::mt19937_64& s, double* x) {
    std::normal_distribution<> z;
    x[0] = std::uniform_real_distribution<>()(s) < 0.7 ? -2.5 + 0.6 * z(s) : 2.5 + z(s);
  });
  t.marginals = {
      {"x", first, [](double x) { return 0.7 * normal_cdf((x + 2.5) / 0.6) + 0.3 * normal_cdf(x - 2.5); }, -1, 5.802}};
  t.mala = {{0.252, 0.9}, {0.485, 0.75}, {0.740, 0.6}};
  return t;
}

// E = x^4: x^4 is Gamma(1/4). Variance Gamma(3/4)/Gamma(1/4) = .3379891.
ExactTarget quartic() {
  ExactTarget t;
  t.name = "x^4";
  t.energy = scaled(1, [](const double* x, double* g) {
    g[0] = 4 * x[0] * x[0] * x[0];
    return x[0] * x[0] * x[0] * x[0];
  });
  t.draw = drawn(1, [](std::mt19937_64& s, double* x) {
    const double size = std::pow(std::gamma_distribution<>(0.25)(s), 0.25);
    x[0] = s() & 1 ? size : -size;
  });
  static const TabulatedLaw law([](double x) { return std::exp(-x * x * x * x); }, -3.5, 3.5);
  t.marginals = {{"x", first, [](double x) { return law.cdf(x); }, 0, std::tgamma(0.75) / std::tgamma(0.25)}};
  t.mala = {{0.1185, 0.9}, {0.3245, 0.75}, {0.514, 0.6}};
  return t;
}

// x1 ~ N(0, s^2), x2 = b (x1^2 - s^2) + w z with (s, b, w) = (1, 1, .5).
ExactTarget banana() {
  constexpr double w = 0.5;
  ExactTarget t;
  t.name = "banana";
  t.n = 2;
  t.energy = scaled(2, [](const double* x, double* g) {
    const double r = x[1] - (x[0] * x[0] - 1);
    g[0] = x[0] - 2 * x[0] * r / (w * w);
    g[1] = r / (w * w);
    return x[0] * x[0] / 2 + r * r / (2 * w * w);
  });
  t.draw = drawn(2, [](std::mt19937_64& s, double* x) {
    std::normal_distribution<> z;
    x[0] = z(s);
    x[1] = x[0] * x[0] - 1 + w * z(s);
  });
  t.marginals = {{"x1", first, normal_cdf, 0, 1},
                 {"r", [](const double* x) { return x[1] - (x[0] * x[0] - 1); },
                  [](double r) { return normal_cdf(r / w); }, 0, w * w}};
  t.mala = {{0.0246, 0.9}, {0.0578, 0.75}, {0.104, 0.6}};
  return t;
}

}  // namespace

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

const std::vector<ExactTarget>& exact_targets() {
  static const std::vector<ExactTarget> all = {log_gamma(), mixture(), quartic(), banana()};
  return all;
}

TabulatedLaw::TabulatedLaw(const std::function<double(double)>& density, double least, double most) : least_(least) {
  constexpr int kCells = 100000;
  width_ = (most - least) / kCells;
  cumulated_.push_back(0);
  double first_moment = 0, second_moment = 0;
  for (int cell = 0; cell < kCells; ++cell) {
    const double a = least + cell * width_, m = a + width_ / 2, b = a + width_;
    const double fa = density(a), fm = density(m), fb = density(b), sixth = width_ / 6;
    cumulated_.push_back(cumulated_.back() + sixth * (fa + 4 * fm + fb));
    first_moment += sixth * (a * fa + 4 * m * fm + b * fb);
    second_moment += sixth * (a * a * fa + 4 * m * m * fm + b * b * fb);
  }
  const double total = cumulated_.back();
  for (double& c : cumulated_) c /= total;
  mean_ = first_moment / total;
  variance_ = second_moment / total - mean_ * mean_;
}

double TabulatedLaw::quantile(double u) const {
  const auto right = std::upper_bound(cumulated_.begin(), cumulated_.end(), u);
  if (right == cumulated_.end()) return least_ + width_ * static_cast<double>(cumulated_.size() - 1);
  const auto left = static_cast<double>(right - cumulated_.begin() - 1);
  return least_ + width_ * (left + (u - *(right - 1)) / (*right - *(right - 1)));
}

double TabulatedLaw::cdf(double x) const {
  const double cell = (x - least_) / width_;
  if (cell <= 0) return 0;
  if (cell >= static_cast<double>(cumulated_.size() - 1)) return 1;
  const auto left = static_cast<size_t>(cell);
  const double part = cell - static_cast<double>(left);
  return cumulated_[left] + part * (cumulated_[left + 1] - cumulated_[left]);
}

double mala_acceptance(const std::function<double(double, double*)>& energy, double step_size, double least,
                       double most) {
  constexpr int kPoints = 2000;
  const double dx = (most - least) / kPoints, sigma = std::sqrt(2 * step_size), dz = 16.0 / kPoints;
  double total = 0, accepted = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = least + (i + 0.5) * dx;
    double g, h;
    const double e = energy(x, &g), p = std::exp(-e);
    double mean = 0;
    for (int j = 0; j < kPoints; ++j) {
      const double z = -8 + (j + 0.5) * dz;
      const double y = x - step_size * g + sigma * z, f = energy(y, &h);
      const double back = (x - y + step_size * h) / sigma;
      mean +=
          dz * std::exp(-z * z / 2) / std::sqrt(2 * M_PI) * std::min(1.0, std::exp(e - f - (back * back - z * z) / 2));
    }
    total += p;
    accepted += p * mean;
  }
  return accepted / total;
}

}  // namespace potluck::testing
