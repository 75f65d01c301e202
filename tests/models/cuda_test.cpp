// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "plugins/library.h"
#include "tests/models/model_case.h"

// Models on the GPU against themselves on the processor. Row models: gradients are the same bits, energies the same
// numbers summed in another order. Models with sums over coordinates in their gradients: all agree up to rounding.
namespace potluck::test {
namespace {

void check(cudaError_t status) { ASSERT_EQ(status, cudaSuccess) << cudaGetErrorString(status); }

/// Bytes on the device for a test's duration.
class OnDevice {
 public:
  template <class Value>
  explicit OnDevice(const std::vector<Value>& values) : bytes_(values.size() * sizeof(Value)) {
    check(cudaMalloc(&data_, bytes_ + 1));
    check(cudaMemcpy(data_, values.data(), bytes_, cudaMemcpyHostToDevice));
  }
  ~OnDevice() { cudaFree(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  void* data() const { return data_; }
  template <class Value>
  std::vector<Value> fetch() const {
    std::vector<Value> values(bytes_ / sizeof(Value));
    check(cudaMemcpy(values.data(), data_, bytes_, cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  size_t bytes_;
  void* data_ = nullptr;
};

template <class Real>
Evaluation evaluate_on_cuda(const Model& model, const Batch& batch, const Asked& asked) {
  std::vector<std::unique_ptr<OnDevice>> inputs, gradients;
  std::vector<const void*> input;
  std::vector<void*> gradient;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const std::vector<double>& values = batch.values[i];
    const bool labels = model.kind().inputs[i].categorical;
    inputs.push_back(labels ? std::make_unique<OnDevice>(std::vector<int64_t>(values.begin(), values.end()))
                            : std::make_unique<OnDevice>(std::vector<Real>(values.begin(), values.end())));
    gradients.push_back(std::make_unique<OnDevice>(std::vector<Real>(values.size(), static_cast<Real>(asked.start))));
    input.push_back(inputs.back()->data());
    gradient.push_back(labels ? nullptr : gradients.back()->data());
  }
  const OnDevice energy(std::vector<double>(static_cast<size_t>(batch.rows), -1));
  const OnDevice weights(asked.row_weight);
  const OnDevice workspace(std::vector<char>(model.workspace_bytes(batch.rows), 0x7f));
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  model.evaluate({sizeof(potluck_call), batch.rows, input.data(), static_cast<double*>(energy.data()), gradient.data(),
                  asked.row_weight.empty() ? nullptr : static_cast<const double*>(weights.data()), asked.accumulate, 1,
                  workspace.data(), stream});
  check(cudaStreamSynchronize(stream));
  check(cudaStreamDestroy(stream));
  Evaluation found;
  found.energy = energy.fetch<double>();
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::vector<Real> slopes = gradients[i]->fetch<Real>();
    found.gradient.emplace_back(gradient[i] ? slopes.begin() : slopes.end(), slopes.end());
  }
  return found;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 0;
  for (const double one : expected) largest = std::isfinite(one) ? std::max(largest, std::abs(one)) : largest;
  for (size_t i = 0; i < found.size(); ++i)
    if (found[i] != expected[i]) {  // which covers +infinity
      ASSERT_NEAR(found[i], expected[i], tolerance * (1 + largest)) << what << ' ' << i;
    }
}

template <class Real>
void compare_devices(const ModelCase& each, bool weighed_and_added, bool same_gradients) {
  const int64_t rows = 37;
  const Precision precision = sizeof(Real) == 4 ? Precision::kFloat32 : Precision::kFloat64;
  const Model on_cpu = create(each, precision);
  ModelSetup setup = on_cpu.setup();
  setup.device = {Device::Kind::kCuda, 0};
  setup.weights = each.weights;
  const Model on_cuda(on_cpu.kind(), setup);
  ASSERT_TRUE(on_cuda.can(POTLUCK_CAN_CUDA));

  const Batch batch = random_points(each, on_cpu, rows, 11);
  Asked asked;
  if (weighed_and_added) {
    asked.accumulate = true;
    asked.start = 0.25;
    for (int64_t b = 0; b < rows; ++b) asked.row_weight.push_back(b % 5 == 0 ? 0 : 0.1 * static_cast<double>(b));
  }
  const Evaluation expected = evaluate(on_cpu, batch, asked), found = evaluate_on_cuda<Real>(on_cuda, batch, asked);
  const double rounding = sizeof(Real) == 4 ? 2e-5 : 1e-12;
  expect_near(found.energy, expected.energy, same_gradients ? 1e-12 : rounding, each.model + each.name + " energy");
  ASSERT_EQ(found.gradient.size(), expected.gradient.size());
  for (size_t i = 0; i < found.gradient.size(); ++i) {
    if (same_gradients)
      EXPECT_EQ(found.gradient[i], expected.gradient[i]) << each.model << each.name;
    else
      expect_near(found.gradient[i], expected.gradient[i], rounding, each.model + each.name + " gradient");
  }
}

std::vector<ModelCase> cases() {
  std::vector<ModelCase> all = {
      {.name = "Pair", .model = "banana", .slots = {reals({2})}},
      {.name = "Tiny", .model = "ising_like", .slots = {reals({})}, .settings = {{"precision", {"2"}}}},
      {.name = "Planes", .model = "ising_like", .slots = {reals({3, 28, 28})}, .settings = {{"precision", {"0.3"}}}}};
  for (const char* model : {"double_well", "log_gamma", "quartic", "student_t", "uniform_box"}) {
    all.push_back({.name = "OneNumber", .model = model, .slots = {reals({})}});
    all.push_back({.name = "Row", .model = model, .slots = {reals({1000})}});
  }
  return all;
}

std::vector<double> waves(int64_t count, double around, double height) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(around + height * std::sin(1.7 * static_cast<double>(i * i)));
  return numbers;
}

/// [n, n]: 2 on the diagonal, less and less beside it.
std::vector<double> decaying_matrix(int64_t n) {
  std::vector<double> matrix;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      matrix.push_back((i == j ? 1 : 0) + std::exp2(-static_cast<double>(std::abs(i - j))));
  return matrix;
}

std::vector<ModelCase> matrix_cases() {
  std::vector<ModelCase> all;
  for (const int64_t n : {3, 40, 130}) {
    const std::string size = std::to_string(n);
    const Weight mean = weight_of("mean", {n}, waves(n, 0.5, 1)), variance = weight_of("variance", {n}, waves(n, 2, 1));
    const Weight factor = weight_of("factor", {n, 2}, waves(2 * n, 0, 1)),
                 precision = weight_of("precision", {n, n}, decaying_matrix(n));
    const auto gaussian = [&](const std::string& form, std::vector<Weight> weights) {
      all.push_back({.name = form + size, .model = "gaussian", .slots = {reals({n})}, .weights = std::move(weights)});
    };
    gaussian("Dense", {mean, precision});
    gaussian("DenseAtZero", {precision});
    gaussian("Diagonal", {mean, variance});
    gaussian("DiagonalAtZero", {variance});
    gaussian("LowRank", {mean, variance, factor});
    gaussian("LowRankAtZero", {variance, factor});
    // Every third coordinate, and a run of them.
    Slot partly_held = reals({n});
    for (int64_t i = 0; i < n; ++i) partly_held.held.push_back(i % 3 == 0 || (i > 20 && i < 30) ? 1 : 0);
    partly_held.value = waves(n, 0, 0.5);
    for (double& value : partly_held.value) value = static_cast<double>(static_cast<float>(value));
    const auto holding = [&](const std::string& form, std::vector<Weight> weights) {
      all.push_back({.name = form + size, .model = "gaussian", .slots = {partly_held}, .weights = std::move(weights)});
    };
    holding("DenseWithHeld", {mean, precision});
    holding("LowRankWithHeld", {mean, variance, factor});
    holding("DiagonalWithHeld", {mean, variance});
    all.push_back({.name = "Spheres" + size,
                   .model = "gaussian_mixture",
                   .slots = {reals({n})},
                   .settings = {{"variance", {"0.5"}}},
                   .weights = {weight_of("mean", {3, n}, waves(3 * n, 0, 2))}});
    all.push_back({.name = "Full" + size,
                   .model = "gaussian_mixture",
                   .slots = {reals({n})},
                   .weights = {weight_of("mean", {2, n}, waves(2 * n, 0, 1)),
                               weight_of("covariance", {n, n}, decaying_matrix(n))}});
    all.push_back(
        {.name = "Classes" + size,
         .model = "class_gaussian",
         .slots = {reals({n}), labels({}, 3)},
         .weights = {weight_of("mean", {3, n}, waves(3 * n, 0, 1)), weight_of("variance", {3, n}, waves(3 * n, 2, 1)),
                     weight_of("factor", {3, n, 2}, waves(6 * n, 0, 1)), weight_of("log_prior", {3}, {-1, -2, -0.5})}});
    all.push_back({.name = "Linear" + size,
                   .model = "linear_gaussian",
                   .slots = {reals({n}), reals({2})},
                   .weights = {weight_of("matrix", {n, 2}, waves(2 * n, 0, 1)),
                               weight_of("offset", {n}, waves(n, 1, 1)), variance}});
  }
  return all;
}

class ModelOnCuda : public testing::TestWithParam<ModelCase> {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no CUDA device is visible";
  }
  void compare(bool same_gradients) {
    for (bool weighed_and_added : {false, true}) {
      compare_devices<float>(GetParam(), weighed_and_added, same_gradients);
      compare_devices<double>(GetParam(), weighed_and_added, same_gradients);
    }
  }
};
class RowModelOnCuda : public ModelOnCuda {};
class MatrixModelOnCuda : public ModelOnCuda {
 protected:
  void SetUp() override {
    ModelOnCuda::SetUp();
    if (!IsSkipped()) open_libtorch_cuda();  // as the loader does for a plugin whose note names LibTorch
  }
};

TEST_P(RowModelOnCuda, GivesWhatTheProcessorGives) { compare(true); }
TEST_P(MatrixModelOnCuda, GivesWhatTheProcessorGivesUpToRounding) { compare(false); }

std::string model_and_case(const testing::TestParamInfo<ModelCase>& of) { return of.param.model + "_" + of.param.name; }
INSTANTIATE_TEST_SUITE_P(Models, RowModelOnCuda, testing::ValuesIn(cases()), model_and_case);
INSTANTIATE_TEST_SUITE_P(Models, MatrixModelOnCuda, testing::ValuesIn(matrix_cases()), model_and_case);

// Needs no device: the cases are ones that the models take.
TEST(MatrixModelCases, AreTakenByTheModels) {
  for (const ModelCase& each : matrix_cases()) EXPECT_EQ(refusal(each), "") << each.model << each.name;
}

}  // namespace
}  // namespace potluck::test
