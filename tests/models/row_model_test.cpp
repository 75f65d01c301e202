// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "models/banana/banana_terms.h"
#include "models/ising_like/ising_like_terms.h"
#include "models/log_gamma/log_gamma_terms.h"
#include "models/row_model/elementary.h"
#include "models/row_model/loop.h"
#include "models/student_t/student_t_terms.h"

namespace potluck::models {
namespace {

/// |found - exact| in units of the last place of `exact`.
template <class Real>
double places(Real found, long double exact) {
  const Real rounded = static_cast<Real>(exact);
  if (found == rounded) return 0;
  const Real place = std::nextafter(std::abs(rounded), INFINITY) - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(found) - exact) / place);
}

TEST(ElementaryTest, TheExponentialIsGoodToTwoPlaces) {
  double worst = 0, worst_single = 0;
  for (int i = -70000; i <= 70000; ++i) {
    const double x = i * 0.0101;
    worst = std::max(worst, places(exponential(x), std::exp(static_cast<long double>(x))));
    const auto single = static_cast<float>(i * 0.00124);
    worst_single = std::max(worst_single, places(exponential(single), std::exp(static_cast<long double>(single))));
  }
  EXPECT_LT(worst, 2);
  EXPECT_LT(worst_single, 2);
  EXPECT_EQ(exponential(710.0), INFINITY);
  EXPECT_EQ(exponential(INFINITY), INFINITY);
  EXPECT_EQ(exponential(-INFINITY), 0);
  EXPECT_EQ(exponential(0.0), 1);
  EXPECT_EQ(exponential(0.0f), 1);
  EXPECT_EQ(exponential(89.0f), INFINITY);
  EXPECT_TRUE(std::isnan(exponential(NAN)) && std::isnan(exponential(static_cast<double>(NAN))));
}

TEST(ElementaryTest, TheLogarithmOfOnePlusIsGoodToThreePlaces) {
  double worst = 0, worst_single = 0;
  for (int i = -14000; i <= 14000; ++i) {
    const double q = std::exp(i * 0.005);  // 4e-31 ... 2e30
    worst = std::max(worst, places(log_one_plus(q), std::log1p(static_cast<long double>(q))));
    const auto single = static_cast<float>(q);
    worst_single = std::max(worst_single, places(log_one_plus(single), std::log1p(static_cast<long double>(single))));
  }
  EXPECT_LT(worst, 3);
  EXPECT_LT(worst_single, 3);
  EXPECT_EQ(log_one_plus(0.0), 0);
  EXPECT_EQ(log_one_plus(static_cast<double>(INFINITY)), INFINITY);
  EXPECT_EQ(log_one_plus(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(log_one_plus(NAN)) && std::isnan(log_one_plus(static_cast<double>(NAN))));
}

constexpr int64_t kRows = 21;  // no multiple of any vector

template <class Value>
bool same_bits(const std::vector<Value>& a, const std::vector<Value>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(Value)) == 0;
}

/// Rows of any length, with and without wide vectors, narrow ones together and, by a weight of 1 each, one by one, term
/// by term: the same bits.
template <class Real, class Terms>
void expect_same_bits(const Terms& terms, int64_t n) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  std::vector<Real> x(static_cast<size_t>(kRows * n)), plain(x.size()), wide(x.size());
  for (Real& value : x) value = static_cast<Real>(normal(generator));
  x[0] = Real(-0.0);
  std::vector<double> energy(kRows), wide_energy(kRows);
  const std::vector<double> ones(kRows, 1.0);
  all_rows_anywhere(terms, RowCall<Real>{kRows, n, x.data(), energy.data(), plain.data(), ones.data(), false});
  const RowCall<Real> call{kRows, n, x.data(), wide_energy.data(), wide.data(), nullptr, false};
  const auto expect_same = [&](const char* version) {
    EXPECT_TRUE(same_bits(energy, wide_energy) && same_bits(plain, wide)) << version << ' ' << n;
    std::fill(wide.begin(), wide.end(), Real(9));
  };
  all_rows_anywhere(terms, call);
  expect_same("plain");
  // Added to what is there.
  std::vector<Real> sums(plain), added(plain);
  all_rows_anywhere(terms, RowCall<Real>{kRows, n, x.data(), energy.data(), sums.data(), ones.data(), true});
  evaluate_on_cpu(terms, RowCall<Real>{kRows, n, x.data(), wide_energy.data(), added.data(), nullptr, true});
  EXPECT_TRUE(same_bits(energy, wide_energy) && same_bits(sums, added)) << n;
  evaluate_on_cpu(terms, call);
  expect_same("widest");
#if defined(__x86_64__)
  if (runs_avx2()) {
    all_rows_avx2(terms, call);
    expect_same("avx2");
  }
#endif
  for (int64_t b = 0; b < kRows; ++b) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const Term<Real> term = terms(x.data() + b * n, i);
      EXPECT_EQ(term.gradient, plain[static_cast<size_t>(b * n + i)]);
      sum += static_cast<double>(term.energy);
    }
    EXPECT_NEAR(energy[static_cast<size_t>(b)], sum, 1e-12 * (1 + std::abs(sum)));
  }
}

template <class Real>
void expect_same_bits_of_models() {
  for (int64_t n : {1, 2, 3, 4, 7, 8, 255, 256, 257, 1000}) {
    const std::vector<Real> ones(static_cast<size_t>(n), Real(1.3)), halves(static_cast<size_t>(n), Real(0.7));
    expect_same_bits<Real>(LogGammaTerms<Real>{ones.data()}, n);
    expect_same_bits<Real>(StudentTTerms<Real>{halves.data(), ones.data(), halves.data(), ones.data()}, n);
    expect_same_bits<Real>(IsingLikeTerms<Real>{1, n, Real(1.1), Real(0.55), Real(0.3), Real(0.15), Real(0.2)}, n);
  }
  expect_same_bits<Real>(IsingLikeTerms<Real>{28, 28, Real(1.1), Real(0.55), Real(0.3), Real(0.15), Real(0.2)}, 784);
  expect_same_bits<Real>(IsingLikeTerms<Real>{5, 1, Real(1.1), Real(0.55), Real(0.3), Real(0.15), Real(0.2)}, 20);
  expect_same_bits<Real>(BananaTerms<Real>{Real(1.1), Real(2), Real(0.5), Real(4)}, 2);
}

TEST(RowModelTest, VectorsOfAnyWidthGiveTheSameBitsInSinglePrecision) { expect_same_bits_of_models<float>(); }
TEST(RowModelTest, VectorsOfAnyWidthGiveTheSameBitsInDoublePrecision) { expect_same_bits_of_models<double>(); }

}  // namespace
}  // namespace potluck::models
