// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/model_probe.h"

namespace potluck::test {
namespace {

using testing::HasSubstr;

constexpr int64_t kClasses = 3, kSize = 20, kRank = 4;

Numbers part(const Numbers& numbers, int64_t k) {
  const int64_t each = static_cast<int64_t>(numbers.size()) / kClasses;
  return Numbers(numbers.begin() + k * each, numbers.begin() + (k + 1) * each);
}

const Numbers& means() {
  static const Numbers numbers = some_numbers(kClasses * kSize, 21);
  return numbers;
}
const Numbers& factors() {
  static const Numbers numbers = some_numbers(kClasses * kSize * kRank, 22);
  return numbers;
}
const Numbers& variances() {
  static const Numbers numbers = [] {
    Numbers some = some_numbers(kClasses * kSize, 23);
    for (double& v : some) v = 1.1 + v;
    return some;
  }();
  return numbers;
}
const Numbers kLogPrior = {-1, -2, -0.5};

ProbeSetup setup() {
  return {{},
          {continuous_slot({4, 5}), label_slot(kClasses)},
          {weight("mean", {kClasses, 4, 5}, means()), weight("variance", {kClasses, 4, 5}, variances()),
           weight("factor", {kClasses, kSize, kRank}, factors()), weight("log_prior", {kClasses}, kLogPrior)}};
}
ModelProbe classes(const ProbeSetup& probe = setup()) {
  return ModelProbe("potluck.class_gaussian", "class_gaussian", probe);
}
/// The expert of one class, by the model that is checked against dense algebra in gaussian_test.cpp.
ModelProbe one_class(int64_t k) {
  return ModelProbe("potluck.gaussian", "gaussian",
                    {{},
                     {continuous_slot({kSize})},
                     {weight("mean", {kSize}, part(means(), k)), weight("variance", {kSize}, part(variances(), k)),
                      weight("factor", {kSize, kRank}, part(factors(), k))}});
}

TEST(ClassGaussianTest, EveryRowHasTheNormalisedEnergyOfItsOwnLabel) {
  const Numbers x = some_numbers(50 * kSize, 9);
  Numbers label;
  for (int b = 0; b < 50; ++b) label.push_back((b * b) % 3);
  const auto got = classes().evaluate({x, label});
  for (int64_t k = 0; k < kClasses; ++k) {
    const ModelProbe expert = one_class(k);
    const auto expected = expert.evaluate({x});
    const double log_z = expert.log_normaliser({{}}, 1)->value[0];
    for (int64_t b = 0; b < 50; ++b) {
      if (static_cast<int64_t>(label[b]) != k) continue;
      EXPECT_NEAR(got.energy[b], expected.energy[b] + log_z - kLogPrior[k], 1e-10);
      for (int64_t i = b * kSize; i < (b + 1) * kSize; ++i)
        EXPECT_NEAR(got.gradient[0][i], expected.gradient[0][i], 1e-10);
    }
  }
}

TEST(ClassGaussianTest, LogNormaliserIsTheLogPriorOfTheLabel) {
  const auto log_z = classes().log_normaliser({{}, {2, 0, 1}}, 3);
  ASSERT_TRUE(log_z);
  EXPECT_EQ(log_z->value, (Numbers{-0.5, -1, -2}));
}

TEST(ClassGaussianTest, QuadraticFormIsTheEnergyGivenTheLabel) {
  const ModelProbe model = classes();
  const Numbers x = some_numbers(kSize, 9);
  for (int64_t k = 0; k < kClasses; ++k) {
    const auto form = model.quadratic({{}, {static_cast<double>(k)}});
    ASSERT_TRUE(form);
    double energy = form->constant;
    for (int64_t i = 0; i < kSize; ++i) {
      energy -= form->linear[i] * x[i];
      for (int64_t j = 0; j < kSize; ++j) energy += 0.5 * x[i] * form->precision[i * kSize + j] * x[j];
    }
    EXPECT_NEAR(model.energies({x, {static_cast<double>(k)}})[0], energy, 1e-9);
  }
}

TEST(ClassGaussianTest, DrawsAreThoseOfTheLabelsGaussianWithAndWithoutHeldPixels) {
  const std::vector<uint8_t> none, held = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  std::vector<uint8_t> upper(kSize);
  for (int64_t i = 0; i < kSize / 2; ++i) upper[i] = 1;
  const Numbers x = some_numbers(4 * kSize, 3), label = {1, 1, 1, 1};
  EXPECT_EQ(*classes().draw(4, {{}, label}, {none, none}), *one_class(1).draw(4, {{}}, {none}));
  EXPECT_EQ(*classes().draw(4, {x, label}, {upper, none}), *one_class(1).draw(4, {x}, {upper}));
  // Twin: another label's draws differ.
  EXPECT_NE(*classes().draw(4, {x, {1, 1, 1, 0}}, {upper, none}), *one_class(1).draw(4, {x}, {upper}));
}

TEST(ClassGaussianTest, SinglePrecisionAgreesWithDoubleAndRowsStandAlone) {
  ProbeSetup narrow = setup();
  narrow.precision = Precision::kFloat32;
  Numbers x = some_numbers(33 * kSize, 9), label;
  for (int b = 0; b < 33; ++b) label.push_back(b % 3);
  const auto wide = classes().evaluate({x, label});
  const auto got = classes(narrow).evaluate({x, label});
  for (int64_t b = 0; b < 33; ++b) EXPECT_NEAR(got.energy[b], wide.energy[b], 1e-5 * (1 + std::abs(wide.energy[b])));
  // A row's own bits, alone or among others.
  for (int64_t b = 0; b < 33; ++b) {
    const auto alone =
        classes(narrow).evaluate({Numbers(x.begin() + b * kSize, x.begin() + (b + 1) * kSize), {label[b]}});
    EXPECT_EQ(alone.energy[0], got.energy[b]);
    for (int64_t i = 0; i < kSize; ++i) EXPECT_EQ(alone.gradient[0][i], got.gradient[0][b * kSize + i]);
  }
}

TEST(ClassGaussianTest, WeightsAndAccumulationScaleAndAddTheGradient) {
  const Numbers x = some_numbers(5 * kSize, 9), label = {0, 2, 1, 2, 0}, before = some_numbers(5 * kSize, 4);
  const Numbers row_weight = {1, -2, 0.5, 0, 3};
  const auto plain = classes().evaluate({x, label});
  const auto added = classes().evaluate({x, label}, {row_weight, {before, label}, 1});
  for (int64_t i = 0; i < 5 * kSize; ++i)
    EXPECT_NEAR(added.gradient[0][i], before[i] + row_weight[i / kSize] * plain.gradient[0][i], 1e-12);
}

// A literal label does not say how many classes there are (0 categories): the means do.
TEST(ClassGaussianTest, CountsItsClassesByTheMeansWhereTheLabelIsALiteral) {
  ProbeSetup literal = setup();
  literal.slots[1] = label_slot(0);
  const Numbers x = some_numbers(4 * kSize, 9), label = {0, 1, 2, 1};
  EXPECT_EQ(classes(literal).evaluate({x, label}).energy, classes().evaluate({x, label}).energy);
  literal.weights.clear();
  EXPECT_THAT(refusal("potluck.class_gaussian", "class_gaussian", literal),
              HasSubstr("must be a categorical variable where no mean of every class is given, got a literal"));
}

TEST(ClassGaussianTest, RefusalsSayWhatIsWrong) {
  ProbeSetup wrong = setup();
  wrong.weights[0] = weight("mean", {kClasses, 5}, Numbers(15));
  EXPECT_THAT(refusal("potluck.class_gaussian", "class_gaussian", wrong),
              HasSubstr("weights 'mean' must have 60 numbers, got 15"));
  wrong = setup();
  wrong.weights[1] = weight("variance", {kClasses, kSize}, Numbers(kClasses * kSize, -1));
  EXPECT_THAT(refusal("potluck.class_gaussian", "class_gaussian", wrong),
              HasSubstr("weights 'variance' must be > 0 and finite, got -1"));
  try {
    classes().evaluate({some_numbers(kSize), {7}});
    FAIL() << "a label outside the categories must be refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("label must be 0 .. 2, got 7"));
  }
}

}  // namespace
}  // namespace potluck::test
