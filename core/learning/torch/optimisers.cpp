// SPDX-License-Identifier: Apache-2.0
// LibTorch's optimisers, as a library of its own: programs that train nothing start without LibTorch.
#include <ATen/ops/from_blob.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <cmath>
#include <optional>
#include <sstream>
#include <string>

#include "core/backend/libtorch_in_one_thread.h"
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
    case OptimiserChoice::Kind::kLbfgs:
      break;
  }
  throw std::logic_error("unknown optimiser");
}

at::Device device_of(const Device& device) {
  return device.kind == Device::Kind::kCpu ? at::Device(at::kCPU)
                                           : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device.index));
}

std::vector<std::byte> bytes_of(torch::serialize::OutputArchive& archive) {
  std::ostringstream stream;
  archive.save_to(stream);
  const std::string text = stream.str();
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

std::vector<std::byte> saved_state(const torch::optim::Optimizer& optimizer) {
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  return bytes_of(archive);
}

void restore_state(std::span<const std::byte> saved, torch::optim::Optimizer& optimizer) {
  torch::serialize::InputArchive archive;
  archive.load_from(reinterpret_cast<const char*>(saved.data()), saved.size());
  optimizer.load(archive);
}

class TorchOptimiser final : public Optimiser {
 public:
  TorchOptimiser(const OptimiserChoice& choice, const std::vector<LearnableArray>& arrays, const Device& device) {
    const at::Device place = device_of(device);
    for (const LearnableArray& array : arrays) {
      const auto options = at::TensorOptions().dtype(array.float64 ? at::kDouble : at::kFloat).device(place);
      parameters_.push_back(at::from_blob(array.data, array.shape, options).set_requires_grad(true));
      parameters_.back().mutable_grad() = at::zeros_like(parameters_.back());
    }
    optimizer_ = optimizer_of(choice, parameters_);
  }

  void step(std::span<const double* const> gradients, double rate) override {
    const LibTorchInOneThread one_thread;
    for (size_t p = 0; p < parameters_.size(); ++p) {
      at::Tensor& to = parameters_[p].mutable_grad();
      to.copy_(at::from_blob(const_cast<double*>(gradients[p]), to.sizes(), at::TensorOptions().dtype(at::kDouble)));
    }
    for (torch::optim::OptimizerParamGroup& group : optimizer_->param_groups()) group.options().set_lr(rate);
    optimizer_->step();
  }

  std::vector<std::byte> save() const override { return saved_state(*optimizer_); }
  void restore(std::span<const std::byte> saved) override { restore_state(saved, *optimizer_); }

 private:
  std::vector<at::Tensor> parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

/// L-BFGS with a line search for the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 7.5 and 3.5). It moves
/// numbers in double, whatever the arrays have.
class Lbfgs final : public Minimiser {
 public:
  Lbfgs(const std::vector<LearnableArray>& arrays, const Device& device) {
    const at::Device place = device_of(device);
    for (const LearnableArray& array : arrays) {
      const auto options = at::TensorOptions().dtype(array.float64 ? at::kDouble : at::kFloat).device(place);
      arrays_.push_back(at::from_blob(array.data, array.shape, options));
      numbers_.push_back(at::empty(array.shape, at::TensorOptions().dtype(at::kDouble)).set_requires_grad(true));
      numbers_.back().mutable_grad() = at::zeros_like(numbers_.back());
    }
    // Where it ends is whoever calls to say.
    optimizer_ = std::make_unique<torch::optim::LBFGS>(numbers_, torch::optim::LBFGSOptions(1)
                                                                     .max_iter(1)
                                                                     .max_eval(kMostEvaluations)
                                                                     .tolerance_grad(0)
                                                                     .tolerance_change(0)
                                                                     .line_search_fn("strong_wolfe"));
  }

  void iterate(const Loss& loss, const std::function<void()>& written) override {
    const LibTorchInOneThread one_thread;
    if (!read_) read();
    bool first = true;
    optimizer_->step([&] {
      if (!first) {
        write();
        written();
      }
      first = false;
      std::vector<double*> gradients;
      for (at::Tensor& number : numbers_) gradients.push_back(number.mutable_grad().mutable_data_ptr<double>());
      double found = loss(gradients);
      if (!std::isfinite(found)) {  // too far: the line search interpolates, and needs a number
        found = kNoLoss;
        for (at::Tensor& number : numbers_) number.mutable_grad().zero_();
      }
      return at::scalar_tensor(found, at::kDouble);
    });
    write();
  }

  /// The numbers too: the arrays may have them rounded.
  std::vector<std::byte> save() const override {
    torch::serialize::OutputArchive archive;
    for (size_t i = 0; i < numbers_.size(); ++i) archive.write(std::to_string(i), numbers_[i].detach(), true);
    archive.write("read", at::scalar_tensor(read_ ? 1 : 0, at::kDouble), true);
    // What is only of use within an iteration has empty tensors, which cannot be saved.
    for (const auto& [of, kept] : optimizer_->state())
      static_cast<torch::optim::LBFGSParamState&>(*kept).al(std::nullopt);
    torch::serialize::OutputArchive state;
    optimizer_->save(state);
    archive.write("optimizer", state);
    return bytes_of(archive);
  }

  void restore(std::span<const std::byte> saved) override {
    torch::serialize::InputArchive archive, state;
    archive.load_from(reinterpret_cast<const char*>(saved.data()), saved.size());
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < numbers_.size(); ++i) {
      at::Tensor number;
      archive.read(std::to_string(i), number, true);
      numbers_[i].copy_(number);
    }
    at::Tensor read;
    archive.read("read", read, true);
    read_ = read.item<double>() != 0;
    archive.read("optimizer", state);
    optimizer_->load(state);
  }

 private:
  static constexpr int64_t kMostEvaluations = 25;  ///< of an iteration
  static constexpr double kNoLoss = 1e100;

  void read() {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < numbers_.size(); ++i) numbers_[i].copy_(arrays_[i]);
    read_ = true;
  }
  void write() {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < numbers_.size(); ++i) arrays_[i].copy_(numbers_[i]);
  }

  std::vector<at::Tensor> arrays_, numbers_;
  std::unique_ptr<torch::optim::LBFGS> optimizer_;
  bool read_ = false;
};

}  // namespace
}  // namespace potluck

/// Two symbols are exported: potluck::MakeOptimiser and potluck::MakeMinimiser.
extern "C" __attribute__((visibility("default"))) std::unique_ptr<potluck::Optimiser> potluck_make_optimiser_v1(
    const potluck::OptimiserChoice& choice, const std::vector<potluck::LearnableArray>& arrays,
    const potluck::Device& device) {
  return std::make_unique<potluck::TorchOptimiser>(choice, arrays, device);
}

extern "C" __attribute__((visibility("default"))) std::unique_ptr<potluck::Minimiser> potluck_make_minimiser_v1(
    const std::vector<potluck::LearnableArray>& arrays, const potluck::Device& device) {
  return std::make_unique<potluck::Lbfgs>(arrays, device);
}
