// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/csv.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using Doubles = std::vector<double>;
using Shape = std::vector<int64_t>;

class CsvTest : public testing::Test {
 protected:
  Array read(const std::string& text, const CsvChoice& choice = {}) {
    return read_csv(scratch_.file("a.csv", text), choice);
  }
  /// What reading complains about, without the folder; "" where it is good.
  std::string complaint(const std::string& text, const CsvChoice& choice = {}) {
    try {
      read(text, choice);
      return "";
    } catch (const FileError& error) {
      std::string said = error.what();
      const std::string folder = scratch_.folder().string() + "/";
      EXPECT_EQ(said.find(folder), 0u) << said;
      return said.substr(folder.size());
    }
  }
  Scratch scratch_;
};

TEST_F(CsvTest, ReadsRowsWithAndWithoutNames) {
  for (const char* text : {"1.5,2\n-3,4e1\n", "a,b\n1.5,2\n-3,4e1\n", "1.5,2\r\n-3,4e1",
                           "\xef\xbb\xbf"
                           "a,b\n1.5,2\n-3,4e1\n\n \n",
                           " \"a\" , \"b, c\"\n \"1.5\" ,\t+2\n-3, 4e1 \n"}) {
    const Array array = read(text);
    EXPECT_EQ(array.type, NumberType::kFloat64) << text;
    EXPECT_EQ(array.shape, (Shape{2, 2})) << text;
    EXPECT_EQ(array.as_doubles(), (Doubles{1.5, 2, -3, 40})) << text;
  }
}

TEST_F(CsvTest, KeepsIntegersAsIntegers) {
  EXPECT_EQ(read("0,255\n7,1\n").type, NumberType::kUint8);
  const Array wider = read("0,255\n7,256\n-3,2\n");
  EXPECT_EQ(wider.type, NumberType::kInt64);
  EXPECT_EQ(wider.as_doubles(), (Doubles{0, 255, 7, 256, -3, 2}));
  EXPECT_EQ(read("0\n1.0\n2\n").type, NumberType::kFloat64);
  EXPECT_EQ(read("0\n1e2\n2\n").as_doubles(), (Doubles{0, 100, 2}));
  EXPECT_EQ(read("9007199254740992\n").type, NumberType::kInt64);
  EXPECT_EQ(read("9007199254740994\n").type, NumberType::kFloat64);
}

TEST_F(CsvTest, ChoosesColumnsByNameByPositionAndBySlice) {
  const std::string named = "name,x,y,label\ncoat,1,2,3\nshoe,4,5,6\n";
  EXPECT_EQ(read(named, {{"label", "x"}}).as_doubles(), (Doubles{3, 1, 6, 4}));
  EXPECT_EQ(read(named, {{"1:3"}}).as_doubles(), (Doubles{1, 2, 4, 5}));
  EXPECT_EQ(read(named, {{"-1:", "1:-2"}}).as_doubles(), (Doubles{3, 1, 6, 4}));
  const std::string plain = "1,2,3\n4,5,6\n";
  EXPECT_EQ(read(plain, {{"2", "0"}}).as_doubles(), (Doubles{3, 1, 6, 4}));
  EXPECT_EQ(read(plain, {{"-1"}}).as_doubles(), (Doubles{3, 6}));
  EXPECT_EQ(read(plain, {{":"}}).as_doubles(), (Doubles{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read(plain, {{":"}}).shape, (Shape{2, 3}));
}

TEST_F(CsvTest, BelievesWhatItIsToldAboutTheFirstLine) {
  EXPECT_EQ(read("0,1\n5,6\n", {{}, true}).as_doubles(), (Doubles{5, 6}));
  EXPECT_EQ(read("0,1\n5,6\n", {{"1"}, true}).as_doubles(), (Doubles{6}));
  EXPECT_EQ(read("0,1\n5,6\n", {{}, false}).as_doubles(), (Doubles{0, 1, 5, 6}));
  EXPECT_EQ(read("a,1\n5,6\n", {{}, true}).as_doubles(), (Doubles{5, 6}));
}

TEST_F(CsvTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(complaint(""), "a.csv: must have a row of numbers, got an empty file");
  EXPECT_EQ(complaint("a,b\n"), "a.csv: must have a row of numbers, got names alone");
  EXPECT_EQ(complaint("a,b\n1,2\n1,x\n"), "a.csv:3: column 'b' must be a number, got 'x'");
  EXPECT_EQ(complaint("1.5,2\n1,\n"), "a.csv:2: column 1 must be a number, got nothing");
  EXPECT_EQ(complaint("1.5,2\n1,2 3\n"), "a.csv:2: column 1 must be a number, got '2 3'");
  EXPECT_EQ(complaint("1.5,2\n1,+-3\n"), "a.csv:2: column 1 must be a number, got '+-3'");
  EXPECT_EQ(complaint("1.5,2\n1," + std::string(50, 'z') + "\n"),
            "a.csv:2: column 1 must be a number, got '" + std::string(40, 'z') + "...'");
  EXPECT_EQ(complaint("1.5,2\n1,nan\n"), "a.csv:2: column 1 must be finite, got 'nan'");
  EXPECT_EQ(complaint("1.5,2\n1,-inf\n"), "a.csv:2: column 1 must be finite, got '-inf'");
  EXPECT_EQ(complaint("1.5,2\n1,1e999\n"), "a.csv:2: column 1 must be a number that float64 holds, got '1e999'");
  EXPECT_EQ(complaint("1.5,2\n1,2,3\n"),
            "a.csv:2: a row must have 2 fields as the first line, got 3. Separate them by commas");
  EXPECT_EQ(complaint("a;b\n1;2\n"), "a.csv:2: column 'a;b' must be a number, got '1;2'");
  EXPECT_EQ(complaint("1.5,2\n\n\n1,2\n"), "a.csv:2: a line must hold a row, got an empty one. Remove it");
  EXPECT_EQ(complaint("1.5,2\n\"1,2\n"), "a.csv:2: a quote must end on its line, got '\"1,2' without its end");
  EXPECT_EQ(complaint("1.5,2\n\"1\"2,2\n"),
            "a.csv:2: a field must have quotes around all of it and none inside, got '\"1\"2'");
  const std::string which = ". Say header: true where it has names, header: false where it has numbers";
  EXPECT_EQ(complaint("a,1\n1,2\n"),
            "a.csv:1: the first line must have names alone or numbers alone, got both" + which);
  EXPECT_EQ(
      complaint("0,1,2\n1,2,3\n"),
      "a.csv:1: the first line must have names alone or numbers alone, got 0, 1, ..., which may be either" + which);
}

TEST_F(CsvTest, SaysWhichColumnsThereAre) {
  EXPECT_EQ(complaint("pixel,label\n1,2\n", {{"lable"}}),
            "a.csv: a column must be a name in the first line or a slice, got 'lable'. Did you mean 'label'? Known: "
            "pixel, label");
  EXPECT_EQ(complaint("a,b,c,d,e,f,g,h,i,j,k\n1,2,3,4,5,6,7,8,9,10,11\n", {{"pixels"}}),
            "a.csv: a column must be a name in the first line or a slice, got 'pixels'. Known: a, b, c, d, e, f, g, h, "
            "i, j, ...");
  EXPECT_EQ(complaint("a,b\n1,2\n", {{"0"}}),
            "a.csv: a column must be a name in the first line or a slice, got '0'. Known: a, b");
  EXPECT_EQ(complaint("1.5,2\n", {{"2"}}),
            "a.csv: a column must be a position 0 ... 1 or a slice, got '2'. The first line has no names");
  EXPECT_EQ(complaint("1.5,2\n", {{"x"}}),
            "a.csv: a column must be a position 0 ... 1 or a slice, got 'x'. The first line has no names");
  for (const std::string slice : {"1:1", "0:3", "-3:", "a:b", "0:1:2"})
    EXPECT_EQ(complaint("1.5,2\n", {{slice}}),
              "a.csv: a slice of columns must be start:stop inside 0 ... 2 and not empty, got '" + slice + "'");
  EXPECT_EQ(complaint("a,a,b\n1,2,3\n", {{"a"}}),
            "a.csv: a name must stand over one column, got 'a' over several. Use positions such as \"0:1\"");
}

TEST_F(CsvTest, NeedsAFileThatIsThere) {
  EXPECT_THAT([&] { read_csv(scratch_ / "b.csv", {}); },
              testing::ThrowsMessage<FileError>((scratch_ / "b.csv").string() +
                                                ": must be a file, got nothing there. Check its name"));
}

}  // namespace
}  // namespace potluck
