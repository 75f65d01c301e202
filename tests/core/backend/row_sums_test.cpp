// SPDX-License-Identifier: Apache-2.0
#include "core/backend/row_sums.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>

namespace potluck {
namespace {

template <class>
using Byte = unsigned char;

// A sum that the walk forgets would be counted and then lost: neither cleared, nor saved, nor printed.
TEST(RowSumsTest, TheWalkVisitsEverySumOnceAndInItsOrder) {
  RowSums<Byte> sums;
  std::vector<const unsigned char*> visited;
  for_each_row_sum([&](const RowSum&, unsigned char& one) { visited.push_back(&one); }, sums);
  ASSERT_EQ(visited.size(), sizeof sums);
  for (size_t i = 0; i < visited.size(); ++i) EXPECT_EQ(visited[i], reinterpret_cast<unsigned char*>(&sums) + i);
}

TEST(RowSumsTest, ADescriptionFitsItsSum) {
  std::set<std::string> keys;
  RowSums<HostArray> sums;
  for_each_row_sum(
      [&](const RowSum& about, const auto& array) {
        const bool counts = std::is_integral_v<typename std::decay_t<decltype(array)>::value_type>;
        if (about.key) {
          EXPECT_TRUE(keys.insert(about.key).second) << about.key;
        }
        // Counts are added up, means need to know over what; and what began with the run cannot begin anew.
        EXPECT_EQ(counts || about.key == nullptr, about.per == RowSum::Per::kNothing);
        EXPECT_TRUE(counts || about.since == RowSum::Since::kDraw);
        EXPECT_FALSE(about.root && about.key == nullptr);
      },
      sums);
  EXPECT_EQ(keys,
            (std::set<std::string>{"nan_proposals", "divergences", "energy_error", "gradient_norm", "reflected"}));
}

}  // namespace
}  // namespace potluck
