// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/model_case.h"

// Row models on the GPU against themselves on the processor: gradients are the same bits, energies the same numbers
// summed in another order.
namespace potluck::test {
namespace {

void check(cudaError_t status) { ASSERT_EQ(status, cudaSuccess) << cudaGetErrorString(status); }

/// An array on the device for a test's duration.
template <class Value>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<Value>& values) : count_(values.size()) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), count_ * sizeof(Value)));
    check(cudaMemcpy(data_, values.data(), count_ * sizeof(Value), cudaMemcpyHostToDevice));
  }
  ~OnDevice() { cudaFree(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  Value* data() { return data_; }
  std::vector<Value> fetch() const {
    std::vector<Value> values(count_);
    check(cudaMemcpy(values.data(), data_, count_ * sizeof(Value), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  size_t count_;
  Value* data_ = nullptr;
};

template <class Real>
void compare_devices(const ModelCase& each, bool weighed_and_added) {
  const int64_t rows = 37;
  const Precision precision = sizeof(Real) == 4 ? Precision::kFloat32 : Precision::kFloat64;
  const Model on_cpu = create(each, precision);
  ModelSetup setup = on_cpu.setup();
  setup.device = {Device::Kind::kCuda, 0};
  const Model on_cuda(on_cpu.kind(), setup);
  ASSERT_TRUE(on_cuda.can(POTLUCK_CAN_CUDA));

  const Batch batch = random_points(each, on_cpu, rows, 11);
  Asked asked;
  if (weighed_and_added) {
    asked.accumulate = true;
    asked.start = 0.25;
    for (int64_t b = 0; b < rows; ++b) asked.row_weight.push_back(b % 5 == 0 ? 0 : 0.1 * static_cast<double>(b));
  }
  const Evaluation expected = evaluate(on_cpu, batch, asked);

  OnDevice<Real> x(std::vector<Real>(batch.values[0].begin(), batch.values[0].end()));
  OnDevice<Real> gradient(std::vector<Real>(batch.values[0].size(), static_cast<Real>(asked.start)));
  OnDevice<double> energy(std::vector<double>(static_cast<size_t>(rows), -1));
  OnDevice<double> weights(asked.row_weight.empty() ? std::vector<double>(1) : asked.row_weight);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  const void* input[] = {x.data()};
  void* gradients[] = {gradient.data()};
  on_cuda.evaluate({sizeof(potluck_call), rows, input, energy.data(), gradients,
                    asked.row_weight.empty() ? nullptr : weights.data(), asked.accumulate, 1, nullptr, stream});
  check(cudaStreamSynchronize(stream));
  check(cudaStreamDestroy(stream));

  const std::vector<Real> slopes = gradient.fetch();
  EXPECT_EQ(std::vector<double>(slopes.begin(), slopes.end()), expected.gradient[0]) << each.model << each.name;
  const std::vector<double> energies = energy.fetch();
  for (size_t b = 0; b < energies.size(); ++b)
    if (energies[b] != expected.energy[b]) {  // which covers +infinity
      EXPECT_NEAR(energies[b], expected.energy[b], 1e-12 * (1 + std::abs(expected.energy[b]))) << each.model;
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

class RowModelOnCuda : public testing::TestWithParam<ModelCase> {};

TEST_P(RowModelOnCuda, GivesWhatTheProcessorGives) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no CUDA device is visible";
  for (bool weighed_and_added : {false, true}) {
    compare_devices<float>(GetParam(), weighed_and_added);
    compare_devices<double>(GetParam(), weighed_and_added);
  }
}
std::string model_and_case(const testing::TestParamInfo<ModelCase>& of) { return of.param.model + "_" + of.param.name; }
INSTANTIATE_TEST_SUITE_P(Models, RowModelOnCuda, testing::ValuesIn(cases()), model_and_case);

}  // namespace
}  // namespace potluck::test
