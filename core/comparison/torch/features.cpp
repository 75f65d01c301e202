// SPDX-License-Identifier: Apache-2.0
// Networks of features, in TorchScript, as a library of its own: comparisons without one start without LibTorch.
#include <ATen/ops/from_blob.h>
#include <torch/csrc/jit/serialization/import.h>

#include <stdexcept>
#include <string>

#include "core/backend/libtorch_in_one_thread.h"
#include "core/comparison/feature_network.h"

namespace potluck {
namespace {

class ScriptedNetwork final : public FeatureNetwork {
 public:
  explicit ScriptedNetwork(const std::string& file) : module_(torch::jit::load(file, at::kCPU)) { module_.eval(); }

  Output of(const double* rows, int64_t count, const std::vector<int64_t>& shape) override {
    const LibTorchInOneThread one_thread;
    const at::NoGradGuard no_gradients;
    std::vector<int64_t> whole = shape;
    whole.insert(whole.begin(), count);
    const at::Tensor input =
        at::from_blob(const_cast<double*>(rows), whole, at::TensorOptions().dtype(at::kDouble)).to(at::kFloat);
    const c10::IValue given = module_.forward({input});
    if (!given.isTensor()) throw std::runtime_error("it gives " + given.tagKind() + " in place of a tensor");
    const at::Tensor output = given.toTensor().to(at::kDouble).contiguous();
    const double* numbers = output.const_data_ptr<double>();
    return {output.sizes().vec(), {numbers, numbers + output.numel()}};
  }

 private:
  torch::jit::Module module_;
};

}  // namespace
}  // namespace potluck

/// One symbol is exported: potluck::OpenFeatureNetwork.
extern "C" __attribute__((visibility("default"))) std::unique_ptr<potluck::FeatureNetwork>
potluck_open_feature_network_v1(const std::string& file) {
  return std::make_unique<potluck::ScriptedNetwork>(file);
}
