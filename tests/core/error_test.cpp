// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <gtest/gtest.h>

namespace potluck {
namespace {

TEST(PlaceTest, LeavesOutWhatIsUnknown) {
  EXPECT_EQ(to_string(Place{"scene.yaml", 14, 22}), "scene.yaml:14:22");
  EXPECT_EQ(to_string(Place{"scene.yaml", 14, 0}), "scene.yaml:14");
  EXPECT_EQ(to_string(Place{"scene.yaml", 0, 0}), "scene.yaml");
  EXPECT_EQ(to_string(Place{}), "");
}

TEST(CompositionErrorTest, ListsEveryDiagnosticWithItsPlace) {
  const CompositionError error({{{"a.yaml", 1, 2}, "one"}, {{}, "two"}});
  EXPECT_STREQ(error.what(), "a.yaml:1:2: one\ntwo");
}

}  // namespace
}  // namespace potluck
