// SPDX-License-Identifier: Apache-2.0
#include "core/learning/data/training_data.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "core/error.h"
#include "core/files/formats/npy.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

using testing::ThrowsMessage;

Array array_of_bytes(std::vector<int64_t> shape, const std::function<int(int64_t)>& value) {
  Array array{NumberType::kUint8, std::move(shape), {}};
  for (int64_t i = 0; i < array.count(); ++i) array.bytes.push_back(static_cast<std::byte>(value(i)));
  return array;
}

DataColumn column(int variable, Array array) {
  DataColumn made;
  made.variable = variable;
  made.array = std::move(array);
  return made;
}

/// Images [2, 3] and labels, `rows` of each. Pixel j of row i is (7 i + j) % 256, its label i % 10.
struct Images {
  std::vector<Variable> variables = {{"image", {2, 3}}, {"other", {4}}, {"label", {}, 10}};
  DataColumn image, label;

  explicit Images(int64_t rows) {
    image = column(
        0, array_of_bytes({rows, 2, 3}, [](int64_t i) { return static_cast<int>((7 * (i / 6) + i % 6) % 256); }));
    label = column(2, array_of_bytes({rows}, [](int64_t i) { return static_cast<int>(i % 10); }));
  }
  TrainingData data(const TrainingData::Options& options) const { return {variables, {image, label}, options}; }
};

/// What a batch fills. The second variable has no data.
template <class Real>
struct Filled {
  std::vector<Real> image;
  std::vector<int64_t> label;
  explicit Filled(int64_t rows) : image(static_cast<size_t>(6 * rows)), label(static_cast<size_t>(rows)) {}
  std::array<void*, 3> at(int64_t row) { return {image.data() + 6 * row, nullptr, label.data() + row}; }
  bool operator==(const Filled&) const = default;
};

template <class Real = double>
Filled<Real> batch_of(const TrainingData& data, int64_t update, int64_t batch, int64_t piece = 0) {
  Filled<Real> filled(batch);
  for (int64_t first = 0; first<batch; first += piece> 0 ? piece : batch)
    data.batch(update, batch, first, std::min(piece > 0 ? piece : batch, batch - first), filled.at(first).data());
  return filled;
}

TrainingData::Options doubles(int64_t hold_out = 0, uint32_t seed = 0) { return {hold_out, seed, Precision::kFloat64}; }

TEST(TrainingDataTest, ScalesAndShiftsTheNumbersOfTheFile) {
  Images images(5);
  images.image.scale = 0.5;
  images.image.shift = -3;
  const TrainingData data = images.data(doubles());
  Filled<double> filled(5);
  data.training_rows(0, 5, filled.at(0).data());
  for (int64_t row = 0; row < 5; ++row) {
    for (int64_t j = 0; j < 6; ++j)
      EXPECT_EQ(filled.image[static_cast<size_t>(6 * row + j)], 0.5 * static_cast<double>(7 * row + j) - 3);
    EXPECT_EQ(filled.label[static_cast<size_t>(row)], row);
  }
}

TEST(TrainingDataTest, EveryTypeOfAFileGivesTheSameNumbers) {
  const std::vector<double> values = {0, 1, 100, 3, 1, 7};
  for (const NumberType type :
       {NumberType::kInt8, NumberType::kInt16, NumberType::kInt32, NumberType::kInt64, NumberType::kUint8,
        NumberType::kUint16, NumberType::kUint32, NumberType::kUint64, NumberType::kFloat32, NumberType::kFloat64}) {
    Array array{type, {2, 3}, {}};
    for (const double value : values) {
      std::string bytes = raw(static_cast<int64_t>(value));
      if (type == NumberType::kFloat32) bytes = raw(static_cast<float>(value));
      if (type == NumberType::kFloat64) bytes = raw(value);
      for (size_t b = 0; b < bytes_of(type); ++b) array.bytes.push_back(static_cast<std::byte>(bytes[b]));
    }
    const TrainingData data({{"x", {3}}}, {column(0, array)}, doubles());
    std::vector<double> x(6);
    void* position = x.data();
    data.training_rows(0, 2, &position);
    EXPECT_EQ(x, values) << name_of(type);
  }
  const Array truths{NumberType::kBool, {3}, {std::byte{0}, std::byte{1}, std::byte{2}}};
  const TrainingData data({{"x", {}}}, {column(0, truths)}, doubles());
  std::vector<double> x(3);
  void* position = x.data();
  data.training_rows(0, 3, &position);
  EXPECT_EQ(x, (std::vector<double>{0, 1, 1}));
}

/// Everything that depends on noise at once.
Images noisy_images(int64_t rows) {
  Images images(rows);
  images.image.scale = 1.0 / 255;
  images.image.dequantise = 1.0 / 255;
  images.image.flip = true;
  images.label.drop = 0.2;
  return images;
}

TEST(TrainingDataTest, NoBitDependsOnThePiecesOfABatch) {
  const TrainingData data = noisy_images(37).data({5, 11, Precision::kFloat32});
  for (const int64_t update : {0, 1, 7, 8})
    for (const int64_t piece : {1, 3, 16})
      EXPECT_EQ(batch_of<float>(data, update, 16, piece), batch_of<float>(data, update, 16));
}

TEST(TrainingDataTest, NoBitDependsOnThreads) {
  const TrainingData data = noisy_images(37).data({5, 11, Precision::kFloat32});
  const TrainingData again = noisy_images(37).data({5, 11, Precision::kFloat32});
  std::vector<Filled<float>> found(4, Filled<float>(0));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < found.size(); ++t)
    threads.emplace_back([&, t] { found[t] = batch_of<float>(data, static_cast<int64_t>(t), 16, 3); });
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 0; t < found.size(); ++t) EXPECT_EQ(found[t], batch_of<float>(again, static_cast<int64_t>(t), 16));
}

TEST(TrainingDataTest, SeedsAndUpdatesHaveNoiseOfTheirOwn) {
  Images images = noisy_images(1);  // one row: it alone can be in a batch
  images.image.flip = false;
  const TrainingData data = images.data(doubles(0, 1)), other = images.data(doubles(0, 2));
  EXPECT_NE(batch_of(data, 0, 1).image, batch_of(other, 0, 1).image);
  const Filled<double> first = batch_of(data, 0, 2);
  EXPECT_NE(first.image, batch_of(data, 1, 2).image);
  EXPECT_NE(std::vector(first.image.begin(), first.image.begin() + 6),
            std::vector(first.image.begin() + 6, first.image.end()));
}

TEST(TrainingDataTest, Float32IsTheRoundedFloat64) {
  const TrainingData narrow = noisy_images(20).data({0, 1, Precision::kFloat32});
  const TrainingData wide = noisy_images(20).data({0, 1, Precision::kFloat64});
  const auto x = batch_of<float>(narrow, 3, 8);
  const auto y = batch_of<double>(wide, 3, 8);
  EXPECT_EQ(x.image, std::vector<float>(y.image.begin(), y.image.end()));
  EXPECT_EQ(x.label, y.label);
}

/// The rows of the file in `count` rows of the training that begin at update 0.
std::vector<int64_t> rows_of(const TrainingData& data, int64_t batch, int64_t first, int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t at = first; at < first + count; ++at) rows.push_back(data.file_row(at / batch, batch, at % batch));
  return rows;
}

TEST(TrainingDataTest, EachTrainingRowAppearsOnceAnEpochAndAHeldOutRowNever) {
  const TrainingData data = Images(23).data(doubles(6, 5));
  EXPECT_EQ(data.rows(), 23);
  EXPECT_EQ(data.held_out(), 6);
  EXPECT_EQ(data.training(), 17);
  Filled<double> held(6), trained(17);
  data.held_out_rows(0, 6, held.at(0).data());
  data.training_rows(0, 17, trained.at(0).data());
  const auto rows_behind = [](const Filled<double>& filled) {  // pixel 0 of row i is 7 i
    std::set<int64_t> rows;
    for (size_t at = 0; at < filled.image.size(); at += 6) rows.insert(static_cast<int64_t>(filled.image[at]) / 7);
    return rows;
  };
  std::set<int64_t> all = rows_behind(held);
  EXPECT_EQ(all.size(), 6u);
  all.merge(rows_behind(trained));
  EXPECT_EQ(all.size(), 23u);
  // Batches of 5 and of 40 cross the ends of epochs.
  for (const int64_t batch : {1, 5, 17, 40})
    for (int64_t epoch = 0; epoch < 4; ++epoch) {
      const std::vector<int64_t> rows = rows_of(data, batch, 17 * epoch, 17);
      EXPECT_EQ(std::set<int64_t>(rows.begin(), rows.end()), rows_behind(trained));
      EXPECT_NE(rows, rows_of(data, batch, 17 * (epoch + 1), 17)) << "two epochs have one order";
    }
  EXPECT_EQ(data.epoch_of(0, 5), 0);
  EXPECT_EQ(data.epoch_of(3, 5), 0);
  EXPECT_EQ(data.epoch_of(4, 5), 1);
}

TEST(TrainingDataTest, ABatchHasTheRowsThatItSays) {
  const TrainingData data = Images(23).data(doubles(6, 5));
  const Filled<double> filled = batch_of(data, 2, 20);
  for (int64_t row = 0; row < 20; ++row) {
    EXPECT_EQ(filled.image[static_cast<size_t>(6 * row)], static_cast<double>(7 * data.file_row(2, 20, row)));
    EXPECT_EQ(filled.label[static_cast<size_t>(row)], data.file_row(2, 20, row) % 10);
  }
}

TEST(TrainingDataTest, HeldOutRowsDependOnTheNumberOfRowsAlone) {
  const auto held = [](const TrainingData& data) {
    Filled<double> filled(data.held_out());
    data.held_out_rows(0, data.held_out(), filled.at(0).data());
    return filled.image;
  };
  EXPECT_EQ(held(Images(30).data(doubles(7, 1))), held(Images(30).data(doubles(7, 2))));
  const std::vector<double> few = held(Images(30).data(doubles(3))), many = held(Images(30).data(doubles(7)));
  for (size_t at = 0; at < few.size(); at += 6)
    EXPECT_NE(std::find(many.begin(), many.end(), few[at]), many.end()) << "fewer held-out rows are some of more";
}

TEST(TrainingDataTest, RowsInOrderAreTheSameInEveryCallAndNeitherMirroredNorDropped) {
  Images images = noisy_images(200);
  images.label.drop = 1;
  const TrainingData data = images.data(doubles(100, 3));
  Filled<double> whole(100), pieces(100);
  data.held_out_rows(0, 100, whole.at(0).data());
  for (int64_t first = 0; first < 100; first += 10) data.held_out_rows(first, 10, pieces.at(first).data());
  EXPECT_EQ(whole, pieces);
  for (int64_t row = 0; row < 100; ++row) {
    EXPECT_GE(whole.label[static_cast<size_t>(row)], 0);
    for (size_t j = 1; j < 6; ++j)  // pixels rise by 1, but for the jump from 255 to 0
      EXPECT_EQ((std::lround(std::floor(255 * whole.image[static_cast<size_t>(6 * row) + j] + 1e-9)) -
                 std::lround(std::floor(255 * whole.image[static_cast<size_t>(6 * row) + j - 1] + 1e-9)) + 256) %
                    256,
                1);
  }
}

TEST(TrainingDataTest, DropsTheShareOfLabelsThatItIsAskedFor) {
  const auto distance = [](double drop) {  // from a share of 0.2, in standard errors
    Images images(50);
    images.label.drop = drop;
    const TrainingData data = images.data(doubles());
    constexpr int64_t kRows = 100000;
    const auto labels = batch_of(data, 0, kRows).label;
    const double share = static_cast<double>(std::count(labels.begin(), labels.end(), -1)) / kRows;
    for (size_t row = 0; row < labels.size(); ++row)
      EXPECT_TRUE(labels[row] == -1 || labels[row] == data.file_row(0, kRows, static_cast<int64_t>(row)) % 10);
    return std::abs(share - 0.2) / std::sqrt(0.2 * 0.8 / kRows);
  };
  EXPECT_LT(distance(0.2), 6);
  EXPECT_GT(distance(0.21), 6);
  for (const int64_t label : [] {
         Images images(10);
         images.label.drop = 1;
         return batch_of(images.data(doubles()), 0, 1000).label;
       }())
    EXPECT_EQ(label, -1);
}

TEST(TrainingDataTest, DropsAllLabelsOfARowTogether) {
  DataColumn labels = column(0, array_of_bytes({4, 3}, [](int64_t i) { return static_cast<int>(i % 5); }));
  labels.drop = 0.5;
  const TrainingData data({{"labels", {3}, 5}}, {labels}, doubles());
  std::vector<int64_t> filled(3 * 200);
  void* position = filled.data();
  data.batch(0, 200, 0, 200, &position);
  for (size_t row = 0; row < 200; ++row) {
    const auto dropped =
        std::count(filled.begin() + 3 * static_cast<long>(row), filled.begin() + 3 * static_cast<long>(row) + 3, -1);
    EXPECT_TRUE(dropped == 0 || dropped == 3) << dropped;
  }
}

TEST(TrainingDataTest, MirrorsHalfOfTheRowsAndLeavesTheOthers) {
  Images images(50);
  images.image.flip = true;
  const TrainingData data = images.data(doubles());
  constexpr int64_t kRows = 100000;
  const auto image = batch_of(data, 0, kRows).image;
  int64_t mirrored_rows = 0;
  for (size_t at = 0; at < image.size(); at += 6) {
    const bool mirrored_row =
        image[at] != static_cast<double>(7 * data.file_row(0, kRows, static_cast<int64_t>(at) / 6) % 256);
    mirrored_rows += mirrored_row;
    const std::vector<size_t> order =
        mirrored_row ? std::vector<size_t>{2, 1, 0, 5, 4, 3} : std::vector<size_t>{0, 1, 2, 3, 4, 5};
    for (size_t j = 0; j + 1 < 6; ++j)
      EXPECT_EQ(std::fmod(image[at + order[j + 1]] - image[at + order[j]] + 256, 256), 1);
  }
  // Half, with standard deviation sqrt(n) / 2.
  EXPECT_LT(std::abs(static_cast<double>(mirrored_rows) - kRows / 2.0), 6 * std::sqrt(kRows) / 2);
}

TEST(TrainingDataTest, MirrorsPicturesOfEveryLayout) {
  using Order = std::vector<int32_t>;
  EXPECT_EQ(mirrored({2, 3}), (Order{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(mirrored({1, 2, 3}), (Order{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(mirrored({3, 1, 2}), (Order{1, 0, 3, 2, 5, 4}));
  EXPECT_EQ(mirrored({2, 2, 3}), (Order{3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8}));
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {4}, {2, 4, 4}, {2, 3, 4, 3}})
    EXPECT_FALSE(mirrored(shape)) << shape_text(shape);
}

/// How far 16 bins of `width` / 16 are from equally full, in standard deviations of chi-square; infinite where a number
/// is outside.
double distance_from_uniform(const std::vector<double>& numbers, double width) {
  constexpr double kBins = 16;
  std::vector<double> counts(16, 0.0);
  for (const double number : numbers) {
    if (!(number >= 0 && number < width)) return std::numeric_limits<double>::infinity();
    ++counts[static_cast<size_t>(number / width * kBins)];
  }
  const double expected = static_cast<double>(numbers.size()) / kBins;
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - expected) * (count - expected) / expected;
  return std::abs(chi_square - (kBins - 1)) / std::sqrt(2 * (kBins - 1));
}

TEST(TrainingDataTest, DequantisesUniformlyFromZeroToItsWidth) {
  const auto noise = [](double width) {
    Images images(50);
    images.image.dequantise = width;
    const TrainingData data = images.data(doubles(10));
    constexpr int64_t kRows = 20000;
    std::vector<double> found = batch_of(data, 0, kRows).image;
    for (size_t at = 0; at < found.size(); ++at)
      found[at] -= static_cast<double>(
          (7 * data.file_row(0, kRows, static_cast<int64_t>(at) / 6) + static_cast<int64_t>(at) % 6) % 256);
    return found;
  };
  EXPECT_LT(distance_from_uniform(noise(0.5), 0.5), 6);
  EXPECT_GT(distance_from_uniform(noise(0.48), 0.5), 6);
  EXPECT_GT(distance_from_uniform(noise(0.52), 0.5), 6);
}

TEST(TrainingDataTest, MeanAndScaleAreThoseOfNumpy) {
  const Scratch scratch;
  Images images(300);
  write_npy(scratch / "image.npy", images.image.array);
  images.image.scale = 1.0 / 255;
  images.image.shift = -0.5;
  const TrainingData data = images.data(doubles(100));
  std::vector<int64_t> rows = rows_of(data, 1, 0, 200);
  write_npy(scratch / "rows.npy", Array::of({200}, rows));
  std::vector<double> values = data.mean(0);
  values.push_back(data.scale(0));
  write_npy(scratch / "found.npy", Array::of({7}, values));
  EXPECT_EQ(run_python("learning/data/check_moments.py", "'" + scratch.folder().string() + "'", scratch / "log"), 0);
}

TEST(TrainingDataTest, MeanAndScaleAreThoseOfWhatBatchesHave) {
  Images images = noisy_images(40);
  images.image.scale = 1.0 / 64;
  images.image.dequantise = 2;  // so wide that it counts
  const TrainingData data = images.data(doubles(10, 3));
  constexpr int64_t kRows = 200000;
  const std::vector<double> image = batch_of(data, 0, kRows).image, mean = data.mean(0);
  double square = 0, fourth = 0;
  for (size_t j = 0; j < 6; ++j) {
    double sum = 0, spread = 0;
    for (size_t at = j; at < image.size(); at += 6) {
      const double distance = image[at] - mean[j];
      sum += distance;
      spread += distance * distance;
    }
    EXPECT_LT(std::abs(sum), 6 * std::sqrt(spread)) << j;
  }
  for (size_t at = 0; at < image.size(); at += 6) {
    double row = 0;
    for (size_t j = 0; j < 6; ++j) row += (image[at + j] - mean[j]) * (image[at + j] - mean[j]) / 6;
    square += row;
    fourth += row * row;
  }
  const double variance = square / kRows, error = std::sqrt((fourth / kRows - variance * variance) / kRows);
  EXPECT_LT(std::abs(variance - data.scale(0) * data.scale(0)), 6 * error);
  // The noise's own share of the variance, width^2 / 12, is far beyond that: without it the check fails.
  EXPECT_GT(4.0 / 12, 12 * error);
}

// docs/noise.md, followed word by word in Python: a format that does not change.
TEST(TrainingDataTest, OrderAndNoiseAreThoseOfTheFormat) {
  NoiseAddress epoch;
  epoch.seed = 42;
  epoch.step = 3;
  epoch.purpose = Purpose::kShuffle;
  EXPECT_EQ(shuffled(10, epoch), (std::vector<int64_t>{5, 1, 2, 0, 8, 9, 7, 3, 6, 4}));

  // Ten rows of which 2, 7 and 9 are held out. Row 1 of update 5, two rows an update, is row 11 of all: the fifth of
  // epoch 1, which is row 5 of the file.
  DataColumn x = column(0, array_of_bytes({10, 3}, [](int64_t i) { return static_cast<int>(10 * (i / 3)); }));
  x.dequantise = 1;
  const TrainingData data({{"x", {3}}}, {x}, doubles(3, 42));
  EXPECT_EQ(data.file_row(5, 2, 1), 5);
  std::vector<double> row(3);
  void* position = row.data();
  data.batch(5, 2, 1, 1, &position);
  EXPECT_EQ(row, (std::vector<double>{50 + 0.42073358781530035, 50 + 0.6801775954947952, 50 + 0.6807913246749969}));
  data.held_out_rows(0, 1, &position);
  EXPECT_EQ(row, (std::vector<double>{20 + 0.5190271289062639, 20 + 0.4164336439213875, 20 + 0.4402474648220288}));
}

// Row 1 of update 5 under seed 42: the uniform of `x` for mirroring is 0.174, that of `k` for dropping 0.209.
TEST(TrainingDataTest, MirrorsAndDropsWhereTheFormatSaysSo) {
  DataColumn image = column(0, array_of_bytes({1, 1, 2}, [](int64_t i) { return static_cast<int>(i); }));
  image.flip = true;
  DataColumn label = column(1, array_of_bytes({1}, [](int64_t) { return 1; }));
  for (const auto& [drop, expected] : {std::pair(0.208, 1), std::pair(0.209, -1)}) {
    label.drop = drop;
    const TrainingData data({{"x", {1, 2}}, {"k", {}, 2}}, {image, label}, doubles(0, 42));
    std::vector<double> pixels(2);
    int64_t found = 0;
    void* position[] = {pixels.data(), &found};
    data.batch(5, 2, 1, 1, position);
    EXPECT_EQ(pixels, (std::vector<double>{1, 0}));
    EXPECT_EQ(found, expected) << drop;
  }
}

TEST(TrainingDataTest, KnowsWhichVariablesHaveData) {
  const TrainingData data = Images(5).data(doubles());
  EXPECT_TRUE(data.has(0));
  EXPECT_FALSE(data.has(1));
  EXPECT_TRUE(data.has(2));
}

TEST(TrainingDataTest, SaysWhatIsWrongWithRows) {
  Images images(5);
  EXPECT_THAT([&] { images.data(doubles(5)); },
              ThrowsMessage<SettingError>("hold_out must be >= 0 and < 5, the rows of the data, got 5"));
  EXPECT_THAT([&] { images.data(doubles(-1)); },
              ThrowsMessage<SettingError>("hold_out must be >= 0 and < 5, the rows of the data, got -1"));
  images.label = Images(4).label;
  EXPECT_THAT([&] { images.data(doubles()); },
              ThrowsMessage<SettingError>("the data of 'label' must have as many rows as those of 'image', 5, got 4"));
  EXPECT_THAT([&] { TrainingData(images.variables, {}, {}); },
              ThrowsMessage<SettingError>("training data must have a variable, got none"));
}

std::string objection_to(Variable variable, std::vector<int64_t> shape, const std::vector<double>& values,
                         double scale = 1, double shift = 0, double dequantise = 0) {
  DataColumn made = column(0, Array::of(std::move(shape), values));
  made.scale = scale;
  made.shift = shift;
  made.dequantise = dequantise;
  return objection(made, variable);
}

TEST(DataColumnTest, SaysWhichNumberIsNoValueOfItsVariable) {
  const Variable free = {"x", {2}}, unit = {"x", {2}, 0, 0, 1}, label = {"k", {}, 3};
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(objection_to(free, {2, 2}, {1, -1e30, 3, 4}), "");
  EXPECT_EQ(objection_to(free, {2, 2}, {1, 2, 3, kNan}), "row 1: x[1] must be finite, got nan");
  EXPECT_EQ(objection_to(free, {2, 2}, {1, 2, -kInf, 3}), "row 1: x[0] must be finite, got -inf");
  EXPECT_EQ(objection_to(free, {1, 2}, {1, 1e39}), "row 0: x[1] must be a number that float32 holds, got 1e+39");
  EXPECT_EQ(objection_to(unit, {2, 2}, {0, 1, 0.5, 0.25}), "");
  EXPECT_EQ(objection_to(unit, {2, 2}, {0, 1, 0.5, 1.25}),
            "row 1: x[1] must be in its support [0, 1], got 1.25. Set scale and shift, or widen the support");
  EXPECT_EQ(objection_to(unit, {2, 2}, {0, 1, 3, 0}, 0.5, -0.25),
            "row 0: x[0] must be in its support [0, 1], got -0.25 (0 in the file). Set scale and shift, or widen the "
            "support");
  EXPECT_EQ(objection_to(unit, {1, 2}, {0, 256}, 1.0 / 256, 0, 1.0 / 256),
            "row 0: x[1] must be in its support [0, 1] with its dequantise, got 1 ... 1.00390625. Use a smaller scale, "
            "or a smaller dequantise");
  EXPECT_EQ(objection_to(unit, {1, 2}, {0, 255}, 1.0 / 256, 0, 1.0 / 256), "");
  EXPECT_EQ(objection_to(label, {3}, {0, 2, 1}), "");
  EXPECT_EQ(objection_to(label, {3}, {0, 2, 3}), "row 2: k must be a label 0 ... 2, got 3");
  EXPECT_EQ(objection_to(label, {3}, {0, -1, 3}), "row 1: k must be a label 0 ... 2, got -1");
  EXPECT_EQ(objection_to(label, {3}, {0, 0.5, 3}), "row 1: k must be a label 0 ... 2, got 0.5");
  EXPECT_EQ(objection_to(label, {3}, {0, kNan, 3}), "row 1: k must be a label 0 ... 2, got nan");
}

TEST(DataColumnTest, FindsTheFirstOfManyNumbers) {
  std::vector<double> values(20000, 0.5);
  const Variable unit = {"x", {}, 0, 0, 1};
  for (const size_t at : {0, 4095, 4096, 19999}) {
    std::vector<double> broken = values;
    broken[at] = 2;
    broken.back() = 2;
    EXPECT_EQ(objection_to(unit, {20000}, broken),
              "row " + std::to_string(at) +
                  ": x must be in its support [0, 1], got 2. Set scale and shift, or widen the support");
  }
}

}  // namespace
}  // namespace potluck
