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

TEST(SettingErrorTest, BeginsWithThePathOfWhatIsWrong) {
  const SettingError error("sample.steps", " must be >= 20, got 10");
  EXPECT_STREQ(error.what(), "sample.steps must be >= 20, got 10");
  EXPECT_EQ(error.path(), "sample.steps");
  EXPECT_EQ(SettingError("the device must be cpu, got cuda").path(), "");
}

TEST(CompositionErrorTest, ListsEveryDiagnosticWithItsPlace) {
  const CompositionError error({{{"a.yaml", 1, 2}, "one"}, {{}, "two"}});
  EXPECT_STREQ(error.what(), "a.yaml:1:2: one\ntwo");
}

}  // namespace
}  // namespace potluck
