// SPDX-License-Identifier: Apache-2.0
#include "compose/session/memory.h"

#include <gtest/gtest.h>

namespace potluck {
namespace {

// A thread looks at the energies of K labels, 8 bytes each, of at most 256 chains at once.
TEST(MemoryTest, OfLabelsGrowsWithTheChainsThatAreLookedAtTogether) {
  EXPECT_EQ(memory_of_labels(1000, 64, 2), 8.0 * 1000 * 64);
  EXPECT_EQ(memory_of_labels(1000, 100000, 2), 8.0 * 1000 * 512);
}

TEST(MemoryTest, SaysHowManyLabelsFit) {
  EXPECT_FALSE(want_of_memory_for_labels(1000, 64, 2, 8.0 * 64 * 1000));
  EXPECT_EQ(want_of_memory_for_labels(1000000, 64, 2, 8.0 * 64 * 1000),
            " must be <= 1000, as this machine and its limits leave 1 MB of memory, got 1000000: the energies of all "
            "labels in 64 chains and 2 threads take 512 MB at least. Use fewer categories, or fewer threads "
            "(--threads)");
}

}  // namespace
}  // namespace potluck
