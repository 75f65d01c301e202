// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/array_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/files/formats/idx.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/npz.h"
#include "core/files/formats/safetensors.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ArrayRowsTest : public ::testing::Test {
 protected:
  ArrayRowsTest() : folder_(filesystem::temp_directory_path() / ("array_rows_" + std::to_string(getpid()))) {
    filesystem::create_directories(folder_);
  }
  ~ArrayRowsTest() override { filesystem::remove_all(folder_); }
  filesystem::path path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }

 private:
  filesystem::path folder_;
};

Array numbers() { return Array::of({5, 2}, std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}); }

/// Takes 2, 2 and 1 of five rows.
void expect_numbers(ArrayRows rows) {
  EXPECT_EQ(rows.rows(), 5);
  EXPECT_THAT(rows.shape(), ElementsAre(5, 2));
  const Array first = rows.next(2);
  EXPECT_THAT(first.shape, ElementsAre(2, 2));
  EXPECT_THAT(first.as_doubles(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rows.next(2).as_doubles(), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(rows.next(1).as_doubles(), ElementsAre(8, 9));
}

TEST_F(ArrayRowsTest, ThoseOfAnArrayInMemoryComeInTheirOrder) { expect_numbers(ArrayRows(numbers())); }

TEST_F(ArrayRowsTest, ThoseOfANumpyFileComeInTheirOrder) {
  write_npy(path("a.npy"), numbers());
  expect_numbers(npy_rows(path("a.npy")));
}

TEST_F(ArrayRowsTest, ThoseOfAnIdxFileComeInTheirOrderAndNothingMayFollow) {
  std::string bytes = {0, 0, 8, 2, 0, 0, 0, 5, 0, 0, 0, 2};
  for (char i = 0; i < 10; ++i) bytes += i;
  write("a.idx", bytes);
  expect_numbers(idx_rows(path("a.idx")));
  write("a.idx", bytes + "x");
  ArrayRows rows = idx_rows(path("a.idx"));
  rows.next(4);
  try {
    rows.next(1);
    FAIL();
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a.idx: the numbers must be the last, got more bytes after them"));
  }
}

TEST_F(ArrayRowsTest, ThoseOfASafetensorsFileAreOfTheArrayThatIsNamed) {
  Safetensors contents;
  contents.arrays["after"] = Array::of({3}, std::vector<float>{1, 2, 3});
  contents.arrays["before"] = Array::of({2}, std::vector<float>{1, 2});
  contents.arrays["middle"] = numbers();
  write_safetensors(path("a.safetensors"), contents);
  EXPECT_THAT(safetensors_names(path("a.safetensors")), ElementsAre("after", "before", "middle"));
  expect_numbers(safetensors_rows(path("a.safetensors"), "middle"));
  EXPECT_THROW(safetensors_rows(path("a.safetensors"), "none"), FileError);
}

TEST_F(ArrayRowsTest, AnArchiveThatIsNotWholeDoesNotAppear) {
  const double two[] = {1, 2};
  {
    NpzWriter npz(path("a.npz"), {{"a", "<f8", {2}}});
    npz.append(0, two, 8);
    EXPECT_THROW(npz.finish(), std::logic_error);
    EXPECT_THROW(npz.append(0, two, 16), std::logic_error);
  }
  EXPECT_TRUE(filesystem::is_empty(path("")));
  NpzWriter npz(path("a.npz"), {{"a", "<f8", {2}}});
  npz.append(0, two, 8);
  npz.append(0, two + 1, 8);
  npz.finish();
  EXPECT_TRUE(filesystem::exists(path("a.npz")));
}

}  // namespace
}  // namespace potluck
