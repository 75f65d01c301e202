// SPDX-License-Identifier: Apache-2.0
// Gradients of composites with respect to parameters on the device against those of the CPU.
#include <cuda_runtime_api.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "compose/plan/parameter_gradient.h"
#include "core/device/cuda/runtime.h"
#include "core/random/philox.h"
#include "tests/cuda/composed_on.h"
#include "tests/cuda/visible_device.h"

namespace potluck::testing {
namespace {

constexpr int64_t kRows = 100;

/// Composites with a network of LibTorch in every kind of node, over x [6].
const std::vector<std::pair<std::string, std::string>>& composites() {
  static const std::string head =
      "potluck: 1\nplugins: [" POTLUCK_TORCH_CRITICS
      "]\nvariables:\n  x: {shape: [6]}\n"
      "views:\n  left: {of: x, slice: [\"0:4\"]}\n  pairs: {of: x, patches: [2], stride: [1]}\n"
      "energies:\n"
      "  net: {model: test.critic, inputs: x}\n"
      "  part: {model: test.critic, inputs: left}\n"
      "  bell: {model: gaussian, inputs: x, settings: {mean: 0.5, variance: 2}}\n";
  static const std::string tail = "target: t\nintegrable: true\nsample: {precision: float64}\n";
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"product", head + "  t: {product: [net, {energy: part, weight: 0.5}, bell]}\n" + tail},
      {"mixture",
       head + "  t: {mixture: [{energy: net, weight: 0.3}, {product: [part, bell]}], unnormalised: true}\n" + tail},
      {"ceiling", head + "  t: {product: [bell, {not: {energy: net, ceiling: 3, softness: 0.5}}]}\n" + tail},
      {"each in a mixture", head +
                                "  parts: {each: {over: pairs, energy: {model: test.critic}}}\n"
                                "  t: {mixture: [parts, bell], unnormalised: true}\n" +
                                tail}};
  return all;
}

/// Numbers on a device.
class Placed {
 public:
  Placed(std::vector<double> numbers, const Device& device) : numbers_(std::move(numbers)) {
    if (device.kind == Device::Kind::kCpu) return;
    memory_ = cuda::Memory(numbers_.size() * sizeof(double));
    cuda::upload(memory_.get(), numbers_.data(), numbers_.size() * sizeof(double));
  }
  double* data() { return memory_.get() ? static_cast<double*>(memory_.get()) : numbers_.data(); }
  const std::vector<double>& fetched() {
    if (memory_.get())
      cuda::check(cudaMemcpy(numbers_.data(), memory_.get(), numbers_.size() * sizeof(double), cudaMemcpyDeviceToHost),
                  "fetching sums");
    return numbers_;
  }

 private:
  std::vector<double> numbers_;
  cuda::Memory memory_;
};

std::vector<double> normals(uint32_t salt, int64_t count) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i)
    numbers.push_back(static_cast<double>(standard_normal({1, salt, 0, 0, Purpose::kProposal}, i)));
  return numbers;
}

struct Gradient {
  std::vector<std::string> names;
  std::vector<std::vector<double>> sums;
};

Gradient gradient(const std::string& text, const Device& device) {
  const ComposedOn composed(text, device, kRows);
  Plan& plan = *composed.plan;
  Placed position(normals(1, 6 * kRows), device), tangent(normals(2, 6 * kRows), device);
  Placed cotangent(normals(3, kRows), device);
  Gradient found;
  std::vector<Placed> sums;
  for (const StoredParameter& stored : plan.parameters().arrays()) {
    found.names.push_back(stored.name);
    sums.emplace_back(std::vector<double>(static_cast<size_t>(stored.array.size()), 0.0), device);
  }
  std::vector<double*> pointers;
  for (Placed& sum : sums) pointers.push_back(sum.data());
  const void* positions[] = {position.data()};
  const void* tangents[] = {tangent.data()};
  cudaStream_t stream = nullptr;
  if (device.kind == Device::Kind::kCuda)
    cuda::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  ParameterGradientCall call;
  call.rows = kRows;
  call.position = positions;
  call.tangent = tangents;
  call.cotangent = cotangent.data();
  call.sum = pointers.data();
  call.stream = stream;
  plan.parameter_gradient(call);
  if (stream) {
    cuda::check(cudaStreamSynchronize(stream), "adding up gradients");
    cuda::check(cudaStreamDestroy(stream), "ending a stream");
  }
  for (Placed& sum : sums) found.sums.push_back(sum.fetched());
  return found;
}

class ParametersOnCudaTest : public VisibleDeviceTest {};

void expect_those_of_the_cpu(const std::string& tangents, double tolerance) {
  for (const auto& [name, with_networks] : composites()) {
    std::string text = with_networks;
    const std::string word = "test.critic";
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size()))
      text.replace(at, word.size(), word + ", settings: {tangents: " + tangents + "}");
    const Gradient cpu = gradient(text, kCpu), cuda = gradient(text, kCuda);
    ASSERT_EQ(cuda.names, cpu.names) << name;
    ASSERT_FALSE(cpu.sums.empty()) << name;
    double most = 0;
    for (size_t a = 0; a < cpu.sums.size(); ++a)
      for (size_t k = 0; k < cpu.sums[a].size(); ++k) {
        EXPECT_NEAR(cuda.sums[a][k], cpu.sums[a][k], tolerance * (1 + std::abs(cpu.sums[a][k])))
            << name << ": " << cpu.names[a] << " " << k;
        most = std::max(most, std::abs(cpu.sums[a][k]));
      }
    EXPECT_GT(most, 0.1) << name;  // they are not all zero
  }
}

// Energies, rates and sums of rows are float64 in both; matrix products add in other orders.
TEST_F(ParametersOnCudaTest, GradientsAreThoseOfTheCpu) { expect_those_of_the_cpu("known", 1e-9); }

// A difference is over some 2e-5: what rounding does to the two gradients grows by 1e5.
TEST_F(ParametersOnCudaTest, CentralDifferencesAreThoseOfTheCpu) { expect_those_of_the_cpu("refused", 1e-7); }

TEST_F(ParametersOnCudaTest, ValuesThatAreWrittenCanBeReadBack) {
  const std::string text = composites()[0].second;
  const ComposedOn composed(text, kCuda, kRows);
  ParameterStore& store = composed.plan->parameters();
  const std::vector<double> before = store.numbers(0);
  std::vector<double> other = before;
  for (double& number : other) number += 0.25;
  store.set_numbers(0, other);
  store.changed();
  EXPECT_EQ(store.numbers(0), other);
  store.set_numbers(0, before);
  store.changed();
  EXPECT_EQ(store.numbers(0), before);
}

}  // namespace
}  // namespace potluck::testing
