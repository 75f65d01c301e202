// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <iterator>

#include "compose/text/keys.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

std::string manual() {
  std::ifstream stream(std::string(POTLUCK_SOURCE_DIR) + "/docs/composition-file.md");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Its compositions are checked with the real models by tests/docs.
TEST(ManualTest, NamesEveryKey) {
  const std::string text = manual();
  for (int section = 0; section <= static_cast<int>(Section::kLearnData); ++section)
    for (const Key& key : key_table(static_cast<Section>(section)).keys)
      EXPECT_TRUE(text.find("`" + key.name + "`") != std::string::npos ||
                  text.find("`" + key.name + ":") != std::string::npos)
          << key.name;
}

}  // namespace
}  // namespace potluck
