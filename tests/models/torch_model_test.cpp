// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/model_probe.h"

namespace potluck::test {
namespace {

using testing::HasSubstr;

ModelProbe critic(const ProbeSetup& setup) { return ModelProbe(POTLUCK_TORCH_CRITICS, "test.critic", setup); }

/// E = |x|^2 / 2 + v . tanh(x W) with the weights of torch_critics.cpp.
double critic_energy(const double* x, int64_t n) {
  double energy = 0;
  for (int64_t i = 0; i < n; ++i) energy += x[i] * x[i] / 2;
  for (int64_t k = 0; k < 7; ++k) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += x[i] * std::sin(0.3 + 1.7 * static_cast<double>(i * 7 + k));
    energy += std::sin(0.9 + 1.7 * static_cast<double>(k)) * std::tanh(sum);
  }
  return energy;
}

TEST(TorchModelTest, EnergyIsTheAuthorsAndAutogradGivesItsGradient) {
  const ModelProbe model = critic({{}, {continuous_slot({2, 3})}, {}});
  const Numbers x = some_numbers(5 * 6, 2);
  const Numbers energy = model.energies({x});
  for (int64_t b = 0; b < 5; ++b) EXPECT_NEAR(energy[b], critic_energy(&x[b * 6], 6), 1e-12);
  // Central differences: h^2 E''' / 6 with h = 1e-4 and third derivatives of order 1.
  EXPECT_LT(model.worst_gradient_error({x}), 1e-7);
}

TEST(TorchModelTest, WeightsAndAccumulationScaleAndAddTheGradient) {
  const ModelProbe model = critic({{}, {continuous_slot({4})}, {}});
  const Numbers x = some_numbers(3 * 4, 2), before = some_numbers(3 * 4, 3), row_weight = {2, 0, -0.5};
  const auto plain = model.evaluate({x});
  const auto added = model.evaluate({x}, {row_weight, {before}, 1});
  const auto weighted = model.evaluate({x}, {row_weight, {}, 2});
  EXPECT_EQ(added.energy, plain.energy);
  for (int64_t j = 0; j < 12; ++j) {
    EXPECT_NEAR(added.gradient[0][j], before[j] + row_weight[j / 4] * plain.gradient[0][j], 1e-14);
    EXPECT_NEAR(weighted.gradient[0][j], row_weight[j / 4] * plain.gradient[0][j], 1e-14);
  }
}

TEST(TorchModelTest, SinglePrecisionAgreesWithDouble) {
  ProbeSetup setup{{}, {continuous_slot({4})}, {}};
  const Numbers x = some_numbers(8 * 4, 2);
  const auto wide = critic(setup).evaluate({x});
  setup.precision = Precision::kFloat32;
  const auto narrow = critic(setup).evaluate({x});
  for (int64_t b = 0; b < 8; ++b) EXPECT_NEAR(narrow.energy[b], wide.energy[b], 1e-5);
  for (int64_t j = 0; j < 32; ++j) EXPECT_NEAR(narrow.gradient[0][j], wide.gradient[0][j], 1e-5);
}

TEST(TorchModelTest, AGradientByHandIsUsed) {
  const ModelProbe model(POTLUCK_TORCH_CRITICS, "test.bowl", {{}, {continuous_slot({4})}, {}});
  const Numbers x = some_numbers(3 * 4, 2);
  const auto got = model.evaluate({x});
  EXPECT_EQ(got.gradient[0], x);
  EXPECT_LT(model.worst_gradient_error({x}), 1e-9);
}

TEST(TorchModelTest, AnInputThatIsLeftOutIsAnUndefinedTensor) {
  const auto model = [](bool noisy, int64_t categories) {
    ProbeSetup setup{{}, {continuous_slot({2}), continuous_slot({}), label_slot(categories)}, {}};
    setup.slots[1].left_out = !noisy;
    return ModelProbe(POTLUCK_TORCH_CRITICS, "test.flexible", setup);
  };
  const Numbers x = {1, 2, 0, 3}, labels = {0, 2};
  // 5/2 and 3 * 9/2; with a noise of 1 half of that.
  EXPECT_THAT(model(false, 3).energies({x, {}, labels}), testing::ElementsAre(2.5, 13.5));
  EXPECT_THAT(model(true, 3).energies({x, {1, 1}, labels}), testing::ElementsAre(1.25, 6.75));
  EXPECT_LT(model(false, 3).worst_gradient_error({x, {}, labels}), 1e-7);
  EXPECT_LT(model(true, 3).worst_gradient_error({x, {1, 0.5}, labels}, 1), 1e-7);
  // Of a literal label nobody knows the number of categories: it is a label all the same.
  EXPECT_THAT(model(false, 0).energies({x, {}, labels}), testing::ElementsAre(2.5, 13.5));
}

TEST(TorchModelTest, ASlopeByHandIsDifferentiatedOnce) {
  const auto sums = [](const std::string& slope) {
    ModelProbe model(POTLUCK_TORCH_CRITICS, "test.sloped", {{{"slope", slope}}, {continuous_slot({2})}, {}});
    return model.parameter_gradient({{1, 2, 3, 4}}, {1, 10}, {{5, 6, 7, 8}});
  };
  // sum_b cotangent_b x_b^2 / 2 + t_b x_b: 1/2 + 10 9/2 + 5 + 21, 4/2 + 10 16/2 + 12 + 32
  ASSERT_TRUE(sums("right").has_value());
  EXPECT_THAT(sums("right")->at(0), testing::ElementsAre(71.5, 126));
  EXPECT_EQ(sums("none"), sums("right"));
  try {
    sums("matrix");
    FAIL() << "nothing thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the slope must be a tensor of shape [2], got [2, 2]"));
  }
}

std::string failure_of(const std::string& mistake) {
  try {
    critic({{{"mistake", mistake}}, {continuous_slot({4})}, {}}).evaluate({some_numbers(3 * 4)});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TorchModelTest, ErrorsStopAtTheEdgeWithTheirText) {
  EXPECT_THAT(failure_of("shape"), HasSubstr("the energy must be a tensor of shape [3], got [3, 4]"));
  // LibTorch's own words, without a stack trace.
  EXPECT_THAT(failure_of("product"), HasSubstr("size mismatch"));
  EXPECT_THAT(failure_of("product"), testing::Not(HasSubstr("frame #")));
}

TEST(TorchModelTest, ParameterGradientsAreThoseOfDifferences) {
  // The table itself: the host does not train yet. E summed with cotangents c, plus t . dE/dx.
  const ModelProbe probe = critic({{}, {continuous_slot({3})}, {}});
  const potluck_model_kind& table = *probe.model().kind().table;
  const int64_t shape[] = {3};
  const potluck_slot slot{sizeof slot, 1, shape, 0, nullptr, nullptr, nullptr, nullptr};
  const potluck_slot* slots[] = {&slot};
  const int64_t none = 0;
  const potluck_value value{sizeof value, 1, &none, nullptr, nullptr};
  const potluck_value* values[] = {&value, &value};  // the first choice of both settings
  potluck_setup setup{};
  setup.size = sizeof setup;
  setup.device = POTLUCK_CPU;
  setup.type = POTLUCK_FLOAT64;
  setup.most_rows = 2;
  setup.slots = slots;
  setup.values = values;
  potluck_model* model = nullptr;
  ASSERT_EQ(table.create(&setup, &model, nullptr), POTLUCK_OK);
  int64_t count = 0;
  potluck_array* const* arrays = nullptr;
  ASSERT_EQ(table.parameters(model, &count, &arrays, nullptr), POTLUCK_OK);
  ASSERT_EQ(count, 2);
  EXPECT_STREQ(arrays[0]->name, "in");

  const Numbers x = some_numbers(6, 4), tangent = some_numbers(6, 5), cotangent = {0.7, -1.3};
  Numbers gradient(6), energy(2);
  const void* inputs[] = {x.data()};
  void* gradients[] = {gradient.data()};
  potluck_call call{};
  call.size = sizeof call;
  call.rows = 2;
  call.input = inputs;
  call.energy = energy.data();
  call.gradient = gradients;
  call.threads = 1;
  const auto loss = [&] {
    EXPECT_EQ(table.evaluate(model, &call, nullptr), POTLUCK_OK);
    double sum = cotangent[0] * energy[0] + cotangent[1] * energy[1];
    for (size_t j = 0; j < 6; ++j) sum += tangent[j] * gradient[j];
    return sum;
  };
  Numbers in(21, 1.0), out(7, 0.0);  // sums are added to
  void* sums[] = {in.data(), out.data()};
  const void* tangents[] = {tangent.data()};
  ASSERT_EQ(table.parameter_gradient(model, &call, cotangent.data(), tangents, sums, nullptr), POTLUCK_OK);
  for (int p = 0; p < 2; ++p)
    for (size_t j = 0; j < (p == 0 ? 21u : 7u); ++j) {
      double& weight = static_cast<double*>(arrays[p]->data)[j];
      const double kept = weight, step = 1e-5;
      weight = kept + step;
      const double above = loss();
      weight = kept - step;
      const double below = loss();
      weight = kept;
      const double got = p == 0 ? in[j] - 1 : out[j];
      EXPECT_NEAR(got, (above - below) / (2 * step), 1e-7) << arrays[p]->name << " " << j;
    }
  table.destroy(model);
}

}  // namespace
}  // namespace potluck::test
