// SPDX-License-Identifier: Apache-2.0
#include "core/energy/triangle_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/energy/whitening_element.h"

namespace potluck {
namespace {

using Numbers = std::vector<double>;

/// What this processor can run.
std::vector<VectorUnit> units() {
  std::vector<VectorUnit> all;
  for (const VectorUnit unit : {VectorUnit::kBaseline, VectorUnit::kAvx2, VectorUnit::kAvx512})
    if (unit <= vector_unit()) all.push_back(unit);
  return all;
}

struct Case {
  Case(int64_t rows_, int64_t d_) : rows(rows_), d(d_) {
    std::mt19937 generator(static_cast<uint32_t>(100 * d + rows));
    std::normal_distribution<double> normal;
    const auto fill = [&](Numbers& numbers, int64_t count) {
      for (int64_t i = 0; i < count; ++i) numbers.push_back(normal(generator));
    };
    fill(mean, d);
    fill(factor, d * d);  // beyond the triangle too: nothing there may be read into a sum
    fill(from, rows * d);
  }
  int64_t rows, d;
  Numbers mean, factor, from;

  Numbers multiplied(VectorUnit unit) const {
    Numbers to(static_cast<size_t>(rows * d), std::nan(""));
    multiply_triangle(unit, rows, d, mean.data(), factor.data(), from.data(), to.data());
    return to;
  }
  Numbers multiplied_transposed(VectorUnit unit) const {
    Numbers to(static_cast<size_t>(rows * d), std::nan(""));
    multiply_transposed_triangle(unit, rows, d, factor.data(), from.data(), to.data());
    return to;
  }
  /// Number after number, as on a GPU.
  Numbers by_hand(bool transposed) const {
    Numbers to;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < d; ++j)
        to.push_back(transposed ? element::whitened_gradient(d, j, factor.data(), from.data() + row * d)
                                : element::whitened_position(d, j, mean.data(), factor.data(), from.data() + row * d));
    return to;
  }
};

// Tiles that fit, that begin earlier at an end, that are narrower than a vector, and rows that fill no tile.
TEST(TriangleProductTest, EveryVectorUnitMakesTheBitsOfSumsMadeTermAfterTerm) {
  for (const int64_t d : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 64, 100})
    for (const int64_t rows : {1, 3, 4, 8, 13}) {
      const Case one(rows, d);
      for (const VectorUnit unit : units()) {
        SCOPED_TRACE(testing::Message() << rows << " rows, d " << d << ", unit " << static_cast<int>(unit));
        EXPECT_EQ(one.multiplied(unit), one.by_hand(false));
        EXPECT_EQ(one.multiplied_transposed(unit), one.by_hand(true));
      }
    }
}

// The twin: the same terms from the last to the first give other bits, so that the order is what the test above sees.
TEST(TriangleProductTest, AnotherOrderWouldBeSeen) {
  const Case one(13, 100);
  Numbers backwards;
  for (int64_t row = 0; row < one.rows; ++row)
    for (int64_t j = 0; j < one.d; ++j) {
      double sum = one.mean[static_cast<size_t>(j)];
      for (int64_t k = j; k >= 0; --k)
        sum += one.factor[static_cast<size_t>(k * one.d + j)] * one.from[static_cast<size_t>(row * one.d + k)];
      backwards.push_back(sum);
    }
  EXPECT_NE(one.multiplied(vector_unit()), backwards);
}

// A term beyond the triangle is not even a zero: 0 times a NaN would spread over the row.
TEST(TriangleProductTest, ANumberThatIsNoneStaysInItsOwnSums) {
  for (const VectorUnit unit : units()) {
    Case one(8, 40);
    one.from[40 + 17] = std::nan("");
    const Numbers x = one.multiplied(unit), h = one.multiplied_transposed(unit);
    for (size_t at = 0; at < x.size(); ++at) {
      const size_t row = at / 40, j = at % 40;
      EXPECT_EQ(std::isnan(x[at]), row == 1 && j >= 17) << row << ' ' << j;
      EXPECT_EQ(std::isnan(h[at]), row == 1 && j <= 17) << row << ' ' << j;
    }
  }
}

}  // namespace
}  // namespace potluck
