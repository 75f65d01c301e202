// SPDX-License-Identifier: Apache-2.0
// LibTorch's optimisers, as a library of its own: programs that train nothing start without LibTorch.
#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <sstream>

#include "core/learning/optimiser.h"

namespace potluck {
namespace {

std::unique_ptr<torch::optim::Optimizer> optimizer_of(const OptimiserChoice& choice,
                                                      const std::vector<at::Tensor>& parameters) {
  switch (choice.kind) {
    case OptimiserChoice::Kind::kAdam:
      return std::make_unique<torch::optim::Adam>(parameters, torch::optim::AdamOptions()
                                                                  .betas({choice.beta1, choice.beta2})
                                                                  .eps(choice.epsilon)
                                                                  .weight_decay(choice.weight_decay));
    case OptimiserChoice::Kind::kAdamW:
      return std::make_unique<torch::optim::AdamW>(parameters, torch::optim::AdamWOptions()
                                                                   .betas({choice.beta1, choice.beta2})
                                                                   .eps(choice.epsilon)
                                                                   .weight_decay(choice.weight_decay));
    case OptimiserChoice::Kind::kSgd:
      return std::make_unique<torch::optim::SGD>(
          parameters, torch::optim::SGDOptions(1).momentum(choice.momentum).weight_decay(choice.weight_decay));
    case OptimiserChoice::Kind::kRmsprop:
      return std::make_unique<torch::optim::RMSprop>(parameters, torch::optim::RMSpropOptions()
                                                                     .alpha(choice.alpha)
                                                                     .eps(choice.epsilon)
                                                                     .momentum(choice.momentum)
                                                                     .weight_decay(choice.weight_decay));
  }
  throw std::logic_error("unknown optimiser");
}

/// LibTorch works in this thread alone while this lives. Its own threads wait for each other by turning, a core each,
/// and where an array is cut for them decides the last bits of its numbers.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) {
    if (before_ != 1) at::set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) at::set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

class TorchOptimiser final : public Optimiser {
 public:
  TorchOptimiser(const OptimiserChoice& choice, const std::vector<LearnableArray>& arrays, const Device& device) {
    const at::Device place = device.kind == Device::Kind::kCpu
                                 ? at::Device(at::kCPU)
                                 : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device.index));
    for (const LearnableArray& array : arrays) {
      const auto options = at::TensorOptions().dtype(array.float64 ? at::kDouble : at::kFloat).device(place);
      parameters_.push_back(at::from_blob(array.data, array.shape, options).set_requires_grad(true));
      parameters_.back().mutable_grad() = at::zeros_like(parameters_.back());
    }
    optimizer_ = optimizer_of(choice, parameters_);
  }

  void step(std::span<const double* const> gradients, double rate) override {
    const OneThread one_thread;
    for (size_t p = 0; p < parameters_.size(); ++p) {
      at::Tensor& to = parameters_[p].mutable_grad();
      to.copy_(at::from_blob(const_cast<double*>(gradients[p]), to.sizes(), at::TensorOptions().dtype(at::kDouble)));
    }
    for (torch::optim::OptimizerParamGroup& group : optimizer_->param_groups()) group.options().set_lr(rate);
    optimizer_->step();
  }

  std::vector<std::byte> save() const override {
    torch::serialize::OutputArchive archive;
    optimizer_->save(archive);
    std::ostringstream stream;
    archive.save_to(stream);
    const std::string text = stream.str();
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    return {bytes, bytes + text.size()};
  }

  void restore(std::span<const std::byte> saved) override {
    torch::serialize::InputArchive archive;
    archive.load_from(reinterpret_cast<const char*>(saved.data()), saved.size());
    optimizer_->load(archive);
  }

 private:
  std::vector<at::Tensor> parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace
}  // namespace potluck

/// The one exported symbol: potluck::MakeOptimiser.
extern "C" __attribute__((visibility("default"))) std::unique_ptr<potluck::Optimiser> potluck_make_optimiser_v1(
    const potluck::OptimiserChoice& choice, const std::vector<potluck::LearnableArray>& arrays,
    const potluck::Device& device) {
  return std::make_unique<potluck::TorchOptimiser>(choice, arrays, device);
}
