// SPDX-License-Identifier: Apache-2.0
#include "compose/file/learn_data.h"

#include <gtest/gtest.h>

#include "core/files/formats/npy.h"
#include "core/files/formats/png.h"
#include "core/files/formats/safetensors.h"
#include "core/files/formats/sha256.h"
#include "core/learning/data/training_data.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

using Doubles = std::vector<double>;

/// Lines 1 to 6; what a test says of `learn` begins in line 7.
constexpr const char* kVariables =
    "variables:\n"
    "  image: {shape: [2, 2], support: [0, 1]}\n"
    "  point: {shape: [2]}\n"
    "  scalar: {}\n"
    "  label: {categories: 3}\n"
    "learn:\n";

class LearnDataTest : public testing::Test {
 protected:
  LearnDataTest() : files_(diagnostics_) {
    // Three images [2, 2] of 8 bits as IDX, their labels, and other forms of both.
    folder_.write("images.idx", std::string("\0\0\x08\3\0\0\0\3\0\0\0\2\0\0\0\2", 16) +
                                    std::string("\0\1\2\3\x10\x20\x30\x40\xfc\xfd\xfe\xff", 12));
    folder_.write("labels.idx", std::string("\0\0\x08\1\0\0\0\3\0\1\2", 11));
    folder_.write("table.csv", "x,y,kind\n0.5,1.25,0\n2.5,-3,1\n4,5,2\n");
    write_npy(folder_ / "points.npy", Array::of({3, 2}, Doubles{1, 2, 3, 4, 5, 6}));
    write_npy(folder_ / "scalars.npy", Array::of({3}, Doubles{1, 2, 3}));
    write_npy(folder_ / "four.npy", Array::of({4}, std::vector<int64_t>{0, 1, 2, 0}));
    write_npy(folder_ / "none.npy", Array::of({0, 2}, Doubles{}));
    write_npy(folder_ / "one.npy", Array::of({}, Doubles{1}));
    Safetensors two;
    two.arrays["points"] = Array::of({3, 2}, Doubles{1, 2, 3, 4, 5, 6});
    two.arrays["kinds"] = Array::of({3}, std::vector<int64_t>{2, 1, 0});
    write_safetensors(folder_ / "two.safetensors", two);
    std::filesystem::create_directories(folder_ / "pictures");
    for (const char* name : {"a", "b", "c"})
      write_png(folder_ / ("pictures/" + std::string(name) + ".png"), 2, 2, 1,
                std::vector<uint8_t>{static_cast<uint8_t>(name[0]), 0, 51, 255});
  }

  /// What `learn`, indented by two, says.
  LearnData read(const std::string& learn) {
    const std::string name = folder_.write("scene.yaml", kVariables + learn).string();
    root_ = read_yaml(kVariables + learn, name, true, diagnostics_);
    scope_ = Scope();
    read_variables(*root_.find("variables"), scope_, diagnostics_);
    return read_learn_data(*root_.find("learn"), scope_, files_, diagnostics_);
  }

  std::optional<LoadedData> load(const std::string& learn) {
    const LearnData data = read(learn);
    if (!diagnostics_.empty()) return {};
    return load_learn_data(data, scope_.variables, diagnostics_);
  }

  /// All that is wrong, in reading or in loading; "" where nothing is.
  std::string complaint(const std::string& learn) {
    diagnostics_ = Diagnostics();
    load(learn);
    try {
      diagnostics_.throw_if_any();
      return "";
    } catch (const CompositionError& error) {
      return folder_.shorten(error.what());
    }
  }

  ScratchFolder folder_;
  Diagnostics diagnostics_;
  SourceFiles files_;
  Yaml root_;
  Scope scope_;
};

TEST_F(LearnDataTest, ReadsEveryKey) {
  const LearnData data = read(
      "  data:\n"
      "    image: {file: images.idx, scale: 1/255, shift: 0.25, dequantise: 1/510, flip: horizontal}\n"
      "    label: {file: labels.idx, drop: 0.2}\n"
      "    point: {file: table.csv, columns: [x, y], header: true}\n"
      "    scalar: {file: two.safetensors, array: points}\n"
      "  hold_out: 2\n");
  EXPECT_TRUE(diagnostics_.empty());
  ASSERT_EQ(data.variables.size(), 4u);
  EXPECT_EQ(data.hold_out, 2);
  const LearnedVariable& image = data.variables[0];
  EXPECT_EQ(image.what, "learn.data.image");
  EXPECT_EQ(image.path, (folder_ / "images.idx").string());
  EXPECT_EQ(image.column.variable, 0);
  EXPECT_EQ(image.column.scale, 1.0 / 255);
  EXPECT_TRUE(image.has_scale);
  EXPECT_EQ(image.column.shift, 0.25);
  EXPECT_EQ(image.column.dequantise, 1.0 / 510);
  EXPECT_TRUE(image.column.flip);
  EXPECT_EQ(data.variables[1].column.variable, 3);
  EXPECT_EQ(data.variables[1].column.drop, 0.2);
  EXPECT_FALSE(data.variables[1].has_scale);
  EXPECT_EQ(data.variables[2].csv.columns, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(data.variables[2].csv.header, true);
  EXPECT_EQ(data.variables[3].array, "points");
  // The composition that a run keeps names the file by its absolute path.
  EXPECT_EQ(files_.resolved().at(root_.find("learn")->find("data")->find("image")->find("file")),
            (folder_ / "images.idx").string());
}

TEST_F(LearnDataTest, NeedsNoFileBeforeItIsLoaded) {
  const LearnData data = read("  data: {image: {file: elsewhere.idx, scale: 1}}\n");
  EXPECT_TRUE(diagnostics_.empty());
  EXPECT_EQ(data.variables.size(), 1u);
  EXPECT_TRUE(files_.hashes().empty());
}

TEST_F(LearnDataTest, LoadsEveryFormat) {
  const auto loaded = load(
      "  data:\n"
      "    image: {file: images.idx, scale: 1/255}\n"
      "    label: {file: labels.idx}\n"
      "    point: {file: table.csv, columns: [y, x]}\n"
      "    scalar: {file: scalars.npy}\n");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->columns[0].array.type, NumberType::kUint8);  // a byte a pixel
  EXPECT_EQ(loaded->columns[0].array.as_doubles(), (Doubles{0, 1, 2, 3, 16, 32, 48, 64, 252, 253, 254, 255}));
  EXPECT_EQ(loaded->columns[1].array.as_doubles(), (Doubles{0, 1, 2}));
  EXPECT_EQ(loaded->columns[2].array.as_doubles(), (Doubles{1.25, 0.5, -3, 2.5, 5, 4}));
  EXPECT_EQ(loaded->columns[3].array.as_doubles(), (Doubles{1, 2, 3}));
  EXPECT_EQ(loaded->files.size(), 4u);
  EXPECT_EQ(loaded->files.at((folder_ / "images.idx").string()), sha256_of_file(folder_ / "images.idx"));

  const auto other = load(
      "  data:\n"
      "    image: {file: pictures, scale: 1/255}\n"
      "    label: {file: table.csv, columns: kind}\n"
      "    point: {file: two.safetensors, array: points}\n"
      "    scalar: {file: table.csv, columns: x}\n");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->columns[0].array.as_doubles(), (Doubles{97, 0, 51, 255, 98, 0, 51, 255, 99, 0, 51, 255}));
  EXPECT_EQ(other->columns[1].array.as_doubles(), (Doubles{0, 1, 2}));
  EXPECT_EQ(other->columns[2].array.as_doubles(), (Doubles{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(other->columns[3].array.as_doubles(), (Doubles{0.5, 2.5, 4}));
  EXPECT_EQ(other->files.size(), 4u - 1u);  // the table is one file
  const std::string before = other->files.at((folder_ / "pictures").string());
  write_png(folder_ / "pictures/b.png", 2, 2, 1, std::vector<uint8_t>{1, 2, 3, 4});
  EXPECT_NE(load("  data: {image: {file: pictures, scale: 1/255}}\n")->files.at((folder_ / "pictures").string()),
            before);
}

TEST_F(LearnDataTest, MakesTrainingData) {
  auto loaded = load("  data: {image: {file: images.idx, scale: 1/255}, label: {file: labels.idx}}\n  hold_out: 1\n");
  ASSERT_TRUE(loaded);
  const TrainingData data(scope_.variables, std::move(loaded->columns), {1, 7, Precision::kFloat64});
  EXPECT_EQ(data.rows(), 3);
  EXPECT_TRUE(data.has(0));
  EXPECT_FALSE(data.has(1));
  Doubles image(4);
  int64_t label = 0;
  void* position[] = {image.data(), nullptr, nullptr, &label};
  data.batch(0, 1, 0, 1, position);
  const auto first = static_cast<size_t>(data.file_row(0, 1, 0));
  EXPECT_EQ(label, static_cast<int64_t>(first));
  EXPECT_EQ(image[0], (Doubles{0, 16, 252})[first] * (1.0 / 255));
}

TEST_F(LearnDataTest, RowsMayBeFlatOrLackTheirChannel) {
  write_npy(folder_ / "flat.npy", Array::of({2, 4}, Doubles{0, 0, 0, 1, 0, 0, 0, 1}));
  write_npy(folder_ / "planes.npy", Array::of({2, 1, 2, 2}, Doubles{0, 0, 0, 1, 0, 0, 0, 1}));
  write_npy(folder_ / "last.npy", Array::of({2, 2, 2, 1}, Doubles{0, 0, 0, 1, 0, 0, 0, 1}));
  for (const std::string name : {"flat", "planes", "last"})
    EXPECT_EQ(complaint("  data: {image: {file: " + name + ".npy}}\n"), "") << name;
  write_npy(folder_ / "ones.npy", Array::of({2, 1}, Doubles{0, 1}));
  EXPECT_EQ(complaint("  data: {scalar: {file: ones.npy}, label: {file: ones.npy}}\n"), "");
}

struct Broken {
  std::string learn;  ///< begins in line 7
  std::string complaint;
};

std::vector<Broken> broken_sections() {
  return {
      {"  hold_out: 1\n",
       "scene.yaml:7:3: learn.data must be a map from variables to their data, got none. Write data: {x: {file: "
       "x.npy}}"},
      {"  data: {}\n",
       "scene.yaml:7:9: learn.data must be a map from variables to their data, got an empty one. Write data: {x: "
       "{file: "
       "x.npy}}"},
      {"  data: x.npy\n",
       "scene.yaml:7:9: learn.data must be a map from variables to their data, got 'x.npy'. Write data: {x: {file: "
       "x.npy}}"},
      {"  data: {image: x.npy}\n",
       "scene.yaml:7:17: learn.data.image must be a map, got 'x.npy'. Its keys: file, array, columns, header, scale, "
       "shift, dequantise, flip, drop"},
      {"  data: {imgae: {file: x.npy}}\n",
       "scene.yaml:7:10: learn.data must name variables, got 'imgae'. Did you mean 'image'? Known: image, point, "
       "scalar, "
       "label"},
      {"  data: {image: {scale: 1}}\n",
       "scene.yaml:7:17: learn.data.image must have 'file' (npy, safetensors, IDX (also gzip), CSV, or a folder of PNG "
       "images, relative to this file; one row of data for each index of the first axis, line or image), got none. Add "
       "it"},
      {"  data: {image: {file: x.npy, sclae: 1}}\n",
       "scene.yaml:7:31: unknown key 'sclae' in the training data of a variable. Did you mean 'scale'? Known: file, "
       "array, columns, header, scale, shift, dequantise, flip, drop"},
      {"  data: {image: {file: [a, b]}}\n",
       "scene.yaml:7:24: learn.data.image.file must be the path of a file or folder, got a list"},
      {"  data: {image: {file: x.npy, scale: 0}}\n",
       "scene.yaml:7:38: learn.data.image.scale must be finite and > 0, got 0"},
      {"  data: {image: {file: x.npy, shift: inf}}\n",
       "scene.yaml:7:38: learn.data.image.shift must be finite, got inf"},
      {"  data: {image: {file: x.npy, dequantise: -1}}\n",
       "scene.yaml:7:43: learn.data.image.dequantise must be finite and >= 0, got -1"},
      {"  data: {image: {file: x.npy, flip: vertical}}\n",
       "scene.yaml:7:37: learn.data.image.flip must be one of horizontal; got 'vertical'"},
      {"  data: {point: {file: x.npy, flip: horizontal}}\n",
       "scene.yaml:7:31: learn.data.point.flip must stand with an image, [height, width] with or without 1 or 3 "
       "channels, got 'point' [2]. Leave it out"},
      {"  data: {point: {file: x.npy, drop: 0.1}}\n",
       "scene.yaml:7:31: learn.data.point.drop must be left out, got one: 'point' is not categorical, and labels alone "
       "can be dropped"},
      {"  data: {label: {file: x.npy, drop: 1.5}}\n",
       "scene.yaml:7:37: learn.data.label.drop must be finite and >= 0 and <= 1, got 1.5"},
      {"  data: {label: {file: x.npy, scale: 1, dequantise: 1}}\n",
       "scene.yaml:7:31: learn.data.label.scale must be left out, got one: 'label' is categorical, and its labels are "
       "taken as they are\n"
       "scene.yaml:7:41: learn.data.label.dequantise must be left out, got one: 'label' is categorical, and its labels "
       "are taken as they are"},
      {"  data: {point: {file: x.npy, array: a}}\n",
       "scene.yaml:7:31: learn.data.point.array must stand with a safetensors file, got 'x.npy'"},
      {"  data: {point: {file: x.npy, columns: a, header: true}}\n",
       "scene.yaml:7:31: learn.data.point.columns must stand with a CSV file, got 'x.npy'\n"
       "scene.yaml:7:43: learn.data.point.header must stand with a CSV file, got 'x.npy'"},
      {"  data: {point: {file: x.csv, header: maybe}}\n",
       "scene.yaml:7:39: learn.data.point.header must be true or false, got 'maybe'"},
      {"  data: {point: {file: points.npy}}\n  hold_out: -1\n", "scene.yaml:8:13: learn.hold_out must be >= 0, got -1"},
      // What the files say.
      {"  data: {point: {file: x.npy}}\n",
       "scene.yaml:7:24: learn.data.point.file must be a file or a folder of PNG images that is there, got 'x.npy'. "
       "Paths are relative to the file that says them"},
      {"  data: {point: {file: scene.yaml}}\n",
       "scene.yaml:7:24: learn.data.point.file must be named .npy, .safetensors, .csv, .idx or -ubyte (the last two "
       "also "
       ".gz), or be a folder of PNG images, got 'scene.yaml'"},
      {"  data: {image: {file: pictures/a.png, scale: 1}}\n",
       "scene.yaml:7:24: learn.data.image.file must be named .npy, .safetensors, .csv, .idx or -ubyte (the last two "
       "also "
       ".gz), or be a folder of PNG images, got 'pictures/a.png'"},
      {"  data: {point: {file: two.safetensors, array: dots}}\n",
       "scene.yaml:7:24: two.safetensors: array must be one that it holds, got 'dots'. Known: kinds, points"},
      {"  data: {point: {file: two.safetensors}}\n",
       "scene.yaml:7:24: two.safetensors: 'array' must say which of its 2 arrays is meant. Known: kinds, points"},
      {"  data: {point: {file: table.csv, columns: [x, z]}}\n",
       "scene.yaml:7:24: table.csv: a column must be a name in the first line or a slice, got 'z'. Known: x, y, "
       "kind"},
      {"  data: {point: {file: none.npy}}\n", "scene.yaml:7:24: learn.data.point must hold at least one row, got none"},
      {"  data: {scalar: {file: one.npy}}\n",
       "scene.yaml:7:25: learn.data.scalar must hold at least one row, got none"},
      {"  data: {point: {file: images.idx, scale: 1}}\n",
       "scene.yaml:7:24: learn.data.point must hold rows of the shape of 'point' [2], got an array [3, 2, 2], whose "
       "rows "
       "are [2, 2]"},
      {"  data: {image: {file: images.idx}}\n",
       "scene.yaml:7:24: learn.data.image must have a scale, since 'images.idx' holds integers (uint8). Add scale: "
       "1/255 "
       "for numbers in 0 ... 1, or scale: 1"},
      {"  data: {scalar: {file: four.npy}}\n",
       "scene.yaml:7:25: learn.data.scalar must have a scale, since 'four.npy' holds integers (int64). Add scale: 1 "
       "for "
       "the numbers as they are"},
      {"  data: {scalar: {file: table.csv, columns: kind}}\n",
       "scene.yaml:7:25: learn.data.scalar must have a scale, since 'table.csv' holds integers (uint8). Add scale: "
       "1/255 "
       "for numbers in 0 ... 1, or scale: 1"},
      {"  data: {image: {file: images.idx, scale: 1}}\n",
       "scene.yaml:7:24: learn.data.image: row 0: image[1, 0] must be in its support [0, 1], got 2. Set scale and "
       "shift, "
       "or widen the support"},
      {"  data: {image: {file: images.idx, scale: 1/255, dequantise: 1/255}}\n",
       "scene.yaml:7:24: learn.data.image: row 2: image[1, 1] must be in its support [0, 1] with its dequantise, got 1 "
       "... 1.003921568627451. Use a smaller scale, or a smaller dequantise"},
      {"  data: {label: {file: table.csv, columns: y}}\n",
       "scene.yaml:7:24: learn.data.label: row 0: label must be a label 0 ... 2, got 1.25"},
      {"  data: {point: {file: points.npy}, label: {file: four.npy}}\n",
       "scene.yaml:7:51: learn.data.label must have as many rows as learn.data.point, 3, got 4"},
      {"  data: {point: {file: points.npy}}\n  hold_out: 3\n",
       "scene.yaml:8:13: learn.hold_out must be < 3, the rows of learn.data.point, got 3. Leave rows to train on"},
      // All of it at once.
      {"  data: {point: {file: x.npy}, label: {file: table.csv, columns: y}}\n",
       "scene.yaml:7:24: learn.data.point.file must be a file or a folder of PNG images that is there, got 'x.npy'. "
       "Paths are relative to the file that says them\n"
       "scene.yaml:7:46: learn.data.label: row 0: label must be a label 0 ... 2, got 1.25"},
  };
}

TEST_F(LearnDataTest, SaysWhatIsWrongWithTheSectionAndItsFiles) {
  for (const Broken& broken : broken_sections()) EXPECT_EQ(complaint(broken.learn), broken.complaint) << broken.learn;
}

}  // namespace
}  // namespace potluck
