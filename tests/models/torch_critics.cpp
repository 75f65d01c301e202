// SPDX-License-Identifier: Apache-2.0
// Models for torch_model_test.cpp, written as an author with LibTorch would.
#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/tanh.h>

#include <cmath>

#include "potluck/torch_model.hpp"

namespace {
using namespace potluck::plugin;

/// Numbers of a fixed pattern, as a trained network's weights would be.
at::Tensor pattern(const Setup& setup, std::vector<int64_t> shape, double phase) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(std::sin(phase + 1.7 * static_cast<double>(i)));
  return tensor_view(numbers.data(), shape, at::kCPU).to(torch_options(setup), false, true);
}

/// E = |x|^2 / 2 + v . tanh(x W), its gradient by autograd.
class Critic {
 public:
  static constexpr const char* name = "test.critic";
  static constexpr const char* summary = "a network with one hidden layer and a bowl";
  static constexpr Setting settings[] = {
      choice("mistake", {"none", "shape", "product"}, "what the energy does wrong").preset("none"),
      choice("tangents", {"known", "refused"}, "whether it differentiates along them by its parameters")
          .preset("known")};
  explicit Critic(const Setup& setup)
      : mistake_(setup.choice("mistake")),
        refuses_(setup.choice("tangents") == 1),
        in_(pattern(setup, {setup.size(), 7}, 0.3)),
        out_(pattern(setup, {7}, 0.9)) {}
  Facts facts() const { return {.integrable = true, .bounded_on_boxes = true}; }
  at::Tensor energy(const std::vector<at::Tensor>& inputs) const {
    if (mistake_ == 1) return inputs[0];
    const at::Tensor x = inputs[0].flatten(1);
    if (mistake_ == 2) return at::matmul(x, out_);
    return sum_rows(x.mul(x)).mul(0.5).add(at::mv(at::tanh(at::matmul(x, in_)), out_));
  }
  /// Leaves the slope to autograd.
  std::optional<TorchSlope> slope(const std::vector<at::Tensor>&, const std::vector<at::Tensor>&) const {
    if (refuses_) throw Failure(POTLUCK_UNSUPPORTED, "no tangents");
    return std::nullopt;
  }
  std::vector<TorchParameter> parameters() { return {{"in", in_}, {"out", out_}}; }

 private:
  int64_t mistake_;
  bool refuses_;
  at::Tensor in_, out_;
};

/// E = |x|^2 / 2 with the gradient by hand.
class Bowl {
 public:
  static constexpr const char* name = "test.bowl";
  static constexpr const char* summary = "a bowl";
  explicit Bowl(const Setup&) {}
  at::Tensor energy(const std::vector<at::Tensor>& inputs) const { return sum_rows(inputs[0].mul(inputs[0])).mul(0.5); }
  std::vector<at::Tensor> gradient(const std::vector<at::Tensor>& inputs) const { return {inputs[0]}; }
};

/// E = (1 + label) |x|^2 / (2 (1 + noise^2)), noise = 0 where it is left out.
class Flexible {
 public:
  static constexpr const char* name = "test.flexible";
  static constexpr const char* summary = "a bowl that noise widens";
  static constexpr Input inputs[] = {continuous("x", "numbers"), continuous("noise", "one number").parent().optional(),
                                     categorical("label", "how steep").parent()};
  explicit Flexible(const Setup& setup) : noisy_(setup.has_input("noise")) {
    if (noisy_ && setup.size("noise") != 1) throw setup.input_error("noise", "must be one number");
    if (setup.size("label") != 1) throw setup.input_error("label", "must be one label");
  }
  at::Tensor energy(const std::vector<at::Tensor>& bound) const {
    if (bound[1].defined() != noisy_) throw Failure(POTLUCK_INTERNAL, "the noise must be there as announced");
    const at::Tensor steepness = bound[2].flatten().to(bound[0].scalar_type()).add(1);
    const at::Tensor energy = sum_rows(bound[0].mul(bound[0])).mul(steepness).mul(0.5);
    return noisy_ ? energy.div(bound[1].mul(bound[1]).add(1).flatten()) : energy;
  }

 private:
  bool noisy_;
};

/// E = sum w_j x_j^2 / 2 with its slope along t by hand: sum w_j x_j t_j.
class Sloped {
 public:
  static constexpr const char* name = "test.sloped";
  static constexpr const char* summary = "a bowl that says its slope";
  static constexpr Setting settings[] = {
      choice("slope", {"right", "none", "matrix"}, "what it says of it").preset("right")};
  explicit Sloped(const Setup& setup) : said_(setup.choice("slope")), weight_(pattern(setup, {setup.size()}, 0.3)) {}
  at::Tensor energy(const std::vector<at::Tensor>& inputs) const {
    return sum_rows(inputs[0].mul(inputs[0]).mul(weight_)).mul(0.5);
  }
  std::optional<TorchSlope> slope(const std::vector<at::Tensor>& inputs,
                                  const std::vector<at::Tensor>& tangents) const {
    if (said_ == 1) return std::nullopt;
    const at::Tensor products = inputs[0].mul(tangents[0]).mul(weight_);
    return TorchSlope{energy(inputs), said_ == 2 ? products : sum_rows(products)};
  }
  std::vector<TorchParameter> parameters() { return {{"weight", weight_}}; }

 private:
  int64_t said_;
  at::Tensor weight_;
};

}  // namespace

POTLUCK_EXPORT_PLUGIN("test", "1.0.0", "Apache-2.0", "The Potluck authors", "Models with LibTorch", TorchModel<Critic>,
                      TorchModel<Bowl>, TorchModel<Flexible>, TorchModel<Sloped>);
