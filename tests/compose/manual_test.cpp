// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <zlib.h>

#include <iterator>

#include "compose/keys.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

std::string manual() {
  std::ifstream stream(std::string(POTLUCK_SOURCE_DIR) + "/docs/composition-file.md");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// 18 pictures of 28 x 28 bytes, as gzip'ed IDX.
void write_pictures(const std::filesystem::path& file) {
  const unsigned char header[] = {0, 0, 8, 3, 0, 0, 0, 18, 0, 0, 0, 28, 0, 0, 0, 28};
  const std::string numbers(18 * 28 * 28, '\x40');
  gzFile stream = gzopen(file.c_str(), "wb");
  gzwrite(stream, header, sizeof(header));
  gzwrite(stream, numbers.data(), static_cast<unsigned>(numbers.size()));
  gzclose(stream);
}

TEST(ManualTest, EveryCompositionInItIsGood) {
  const ScratchFolder folder;
  write_pictures(folder / "t10k-images-idx3-ubyte.gz");
  const std::string text = manual();
  const std::string fence = "```yaml\n";
  int compositions = 0;
  for (size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    const std::string block = text.substr(at, text.find("```", at) - at);
    if (block.starts_with("# ")) {  // A file that the next one includes.
      folder.write(block.substr(2, block.find('\n') - 2), block);
      continue;
    }
    EXPECT_EQ(complaint(folder, block), "") << block;
    ++compositions;
  }
  EXPECT_EQ(compositions, 8);
}

TEST(ManualTest, NamesEveryKey) {
  const std::string text = manual();
  for (int section = 0; section <= static_cast<int>(Section::kOutput); ++section)
    for (const Key& key : key_table(static_cast<Section>(section)).keys)
      EXPECT_TRUE(text.find("`" + key.name + "`") != std::string::npos ||
                  text.find("`" + key.name + ":") != std::string::npos)
          << key.name;
}

}  // namespace
}  // namespace potluck
