// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writing a plugin with LibTorch: state the energy, autograd gives the gradient.
///
///   #include <ATen/ops/...>               free functions that the energy uses, such as at::matmul; operators and
///   members
///                                         of tensors come with this header
///   #include <potluck/torch_model.hpp>
///   using namespace potluck::plugin;
///
///   class Critic {
///    public:
///     static constexpr const char* name = "acme.critic";
///     static constexpr const char* summary = "A network with one hidden layer";
///
///     explicit Critic(const Setup& setup)
///         : in_(torch_weight(setup, "in")), out_(torch_weight(setup, "out")) {}
///
///     at::Tensor energy(const std::vector<at::Tensor>& inputs) const {   // inputs[i]: [B, shape of input i ...],
///                                                                         // undefined for one that is left out
///       return at::mv(at::tanh(at::matmul(inputs[0], in_)), out_);      // [B]
///     }
///
///    private:
///     at::Tensor in_, out_;
///   };
///   POTLUCK_EXPORT_PLUGIN("acme.critic", "1.0.0", "Apache-2.0", "A. Author", "A critic", TorchModel<Critic>)
///
/// and in CMake potluck_add_plugin(... LIBTORCH). Name, summary, reference, inputs, settings, log_normaliser, quadratic
/// and draw are as in potluck/model.hpp. The class may further have
///   std::vector<at::Tensor> gradient(const std::vector<at::Tensor>& inputs) const
///                                             dE/dinput by hand, one for each input (undefined for categorical ones)
///   std::vector<TorchParameter> parameters()  its trainable tensors, the ones that `energy` reads; training then works
///   std::optional<TorchSlope> slope(const std::vector<at::Tensor>& inputs,
///                                   const std::vector<at::Tensor>& tangents) const
///                                             the energy and its slope along the tangents (undefined where zero), for
///                                             training by score matching; without it, or where it returns nothing,
///                                             autograd differentiates twice
///   Facts facts() const                       accumulates, rows and devices are filled in here
/// An energy of float64 is handed on as it is; sums over many numbers should be taken with sum_rows().
/// Inputs are the host's own arrays: an energy must not write into them, keep them, or register operators.

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <optional>
#include <vector>

#include "potluck/torch/border.hpp"

namespace potluck::plugin {

/// A trainable tensor of a model, or with trainable = false a buffer that is saved with it.
struct TorchParameter {
  std::string name;
  at::Tensor tensor;
  bool trainable = true;
};

/// E and t . dE/dx of every row, both [B], recorded by autograd: carrying each activation and its derivative along t
/// through the network gives them in one pass, and the gradient of the slope with respect to parameters in one more.
struct TorchSlope {
  at::Tensor energy, slope;
};

/// The user's array `name`, in the model's type, on its device, as the model's own.
inline at::Tensor torch_weight(const Setup& setup, std::string_view name) {
  const Weight weight = setup.weight(name);
  std::vector<double> numbers = weight.numbers();
  const std::vector<int64_t> shape(weight.shape().begin(), weight.shape().end());
  return tensor_view(numbers.data(), shape, at::kCPU).to(torch_options(setup), /*non_blocking=*/false, /*copy=*/true);
}

/// [B], each row summed in float64.
inline at::Tensor sum_rows(const at::Tensor& tensor) { return at::sum(tensor.flatten(1), {1}, false, at::kDouble); }

template <class Author>
concept HasTorchGradient = requires(const Author& author, const std::vector<at::Tensor>& inputs) {
  { author.gradient(inputs) } -> std::same_as<std::vector<at::Tensor>>;
};
template <class Author>
concept HasTorchParameters = requires(Author& author) {
  { author.parameters() } -> std::same_as<std::vector<TorchParameter>>;
};

template <class Author>
concept HasTorchSlope = requires(const Author& author, const std::vector<at::Tensor>& tensors) {
  { author.slope(tensors, tensors) } -> std::same_as<std::optional<TorchSlope>>;
};

/// The model of the door that an author's class becomes. Everything else that the class has is inherited.
template <class Author>
class TorchModel : public Author {
 public:
  explicit TorchModel(const Setup& setup)
      : Author(with_torch_errors([&] { return Author(setup); })), device_(torch_device(setup)) {
    int32_t count = 1;
    if constexpr (requires { Author::inputs; }) count = static_cast<int32_t>(std::size(Author::inputs));
    for (int32_t i = 0; i < count; ++i) {
      shapes_.emplace_back(setup.shape(i).begin(), setup.shape(i).end());
      bool categorical = false;  // of a literal label the setup knows no number of categories
      if constexpr (requires { Author::inputs; }) categorical = Author::inputs[i].declared.kind == POTLUCK_CATEGORICAL;
      categorical_.push_back(categorical);
    }
  }

  Facts facts() const {
    Facts facts;
    if constexpr (requires(const Author& author) { author.facts(); }) facts = Author::facts();
    facts.accumulates = true;
    facts.cuda = TorchBorder::kCuda;
    return facts;
  }

  template <class Real>
  void evaluate(const Call<Real>& call) const {
    with_torch_errors([&] {
      const bool by_autograd = call.wants_gradient() && !HasTorchGradient<Author>;
      const TorchBorder border(call, device_, by_autograd);
      const std::vector<at::Tensor> tensors =
          inputs_of(call, [&](int32_t i) { return by_autograd && call.gradient(i) != nullptr; });
      const at::Tensor energy = energy_of(tensors, call.rows());
      if (call.energy() != nullptr) tensor_view(call.energy(), {call.rows()}, device_).copy_(energy.detach());
      if (call.wants_gradient()) write_gradients(call, gradients_of(tensors, energy));
    });
  }

  std::vector<Parameter> parameters() requires HasTorchParameters<Author> {
    std::vector<Parameter> all;
    parameters_ = Author::parameters();
    for (TorchParameter& parameter : parameters_) {
      if (!parameter.tensor.is_contiguous())
        throw Failure(POTLUCK_INTERNAL, "parameter '" + parameter.name + "' must be contiguous");
      // Only a model that is being trained has its parameters asked for.
      parameter.tensor.requires_grad_(parameter.trainable);
      all.push_back({parameter.name, parameter.tensor.data_ptr(), parameter.tensor.sizes().vec(), parameter.trainable});
    }
    return all;
  }

  template <class Real>
  requires HasTorchParameters<Author>
  void parameter_gradient(const ParameterCall<Real>& wanted) const {
    with_torch_errors([&] {
      const Call<Real>& call = wanted.call();
      const TorchBorder border(call, device_, true);
      const at::Tensor total = total_of(wanted);
      if (!total.requires_grad()) return;
      std::vector<at::Tensor> trained;
      std::vector<int32_t> index;
      for (size_t p = 0; p < parameters_.size(); ++p)
        if (parameters_[p].trainable && wanted.sum(static_cast<int32_t>(p)) != nullptr) {
          trained.push_back(parameters_[p].tensor);
          index.push_back(static_cast<int32_t>(p));
        }
      if (trained.empty()) return;
      const auto gradients = torch::autograd::grad({total}, trained, {}, false, false, true);
      const at::NoGradGuard plain;
      for (size_t p = 0; p < gradients.size(); ++p)
        if (gradients[p].defined()) tensor_view(wanted.sum(index[p]), gradients[p].sizes(), device_).add_(gradients[p]);
    });
  }

 private:
  /// The number whose gradient with respect to the parameters is wanted: sum_b cotangent_b E_b + tangent_b . dE_b/dx.
  template <class Real>
  at::Tensor total_of(const ParameterCall<Real>& wanted) const {
    const Call<Real>& call = wanted.call();
    const auto weighed = [&](const at::Tensor& energy) {
      return wanted.cotangent() == nullptr ? at::zeros_like(energy).sum()
                                           : energy.mul(tensor_view(wanted.cotangent(), {call.rows()}, device_)).sum();
    };
    if (const std::optional<TorchSlope> found = slope_of(wanted)) return weighed(found->energy).add(found->slope.sum());
    const std::vector<at::Tensor> tensors = inputs_of(call, [&](int32_t i) { return wanted.tangent(i) != nullptr; });
    const at::Tensor energy = energy_of(tensors, call.rows());
    at::Tensor total = weighed(energy);
    std::vector<at::Tensor> differentiated, tangents;
    for (int32_t i = 0; i < call.inputs(); ++i)
      if (tensors[i].defined() && tensors[i].requires_grad()) {
        differentiated.push_back(tensors[i]);
        tangents.push_back(tensor_view(wanted.tangent(i), tensors[i].sizes(), device_));
      }
    if (differentiated.empty()) return total;
    const auto scores = torch::autograd::grad({energy.sum()}, differentiated, {}, std::nullopt, true, true);
    for (size_t i = 0; i < scores.size(); ++i)
      if (scores[i].defined()) total = total.add(scores[i].mul(tangents[i]).sum());
    return total;
  }

  /// The author's own slope along the tangents that are wanted; nothing where there are none or the author has none.
  template <class Real>
  std::optional<TorchSlope> slope_of(const ParameterCall<Real>& wanted) const {
    if constexpr (HasTorchSlope<Author>) {
      if (!wanted.has_tangent()) return std::nullopt;
      const Call<Real>& call = wanted.call();
      const std::vector<at::Tensor> tensors = inputs_of(call, [](int32_t) { return false; });
      std::vector<at::Tensor> tangents(tensors.size());
      for (int32_t i = 0; i < call.inputs(); ++i)
        if (tensors[i].defined() && wanted.tangent(i) != nullptr)
          tangents[i] = tensor_view(wanted.tangent(i), tensors[i].sizes(), device_);
      std::optional<TorchSlope> found = Author::slope(tensors, tangents);
      if (found) {
        check_rows("the energy", found->energy, call.rows());
        check_rows("the slope", found->slope, call.rows());
      }
      return found;
    }
    return std::nullopt;
  }

  /// @param differentiate  of which continuous inputs autograd is to take gradients
  template <class Real, class Which>
  std::vector<at::Tensor> inputs_of(const Call<Real>& call, Which&& differentiate) const {
    std::vector<at::Tensor> tensors;
    for (int32_t i = 0; i < call.inputs(); ++i) {
      if (call.input(i) == nullptr) {
        tensors.emplace_back();
        continue;
      }
      std::vector<int64_t> shape = {call.rows()};
      shape.insert(shape.end(), shapes_[i].begin(), shapes_[i].end());
      if (categorical_[i]) {
        tensors.push_back(tensor_view(call.labels(i), shape, device_));
      } else {
        tensors.push_back(tensor_view(call.input(i), shape, device_));
        if (differentiate(i)) tensors.back().requires_grad_();
      }
    }
    return tensors;
  }

  at::Tensor energy_of(const std::vector<at::Tensor>& tensors, int64_t rows) const {
    const at::Tensor energy = Author::energy(tensors);
    check_rows("the energy", energy, rows);
    return energy;
  }

  static void check_rows(const char* what, const at::Tensor& tensor, int64_t rows) {
    if (tensor.dim() == 1 && tensor.size(0) == rows) return;
    std::string got;
    for (const int64_t extent : tensor.sizes()) got += (got.empty() ? "" : ", ") + std::to_string(extent);
    throw Failure(POTLUCK_BAD_SHAPE,
                  what + (" must be a tensor of shape [" + std::to_string(rows)) + "], got [" + got + "]");
  }

  std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& tensors, const at::Tensor& energy) const {
    if constexpr (HasTorchGradient<Author>) {
      return Author::gradient(tensors);
    } else {
      std::vector<at::Tensor> gradients(tensors.size()), differentiated;
      if (!energy.requires_grad()) return gradients;  // it depends on no input
      for (const at::Tensor& input : tensors)
        if (input.defined() && input.requires_grad()) differentiated.push_back(input);
      const auto found =
          torch::autograd::grad({energy}, differentiated, {at::ones_like(energy)}, std::nullopt, false, true);
      for (size_t i = 0, next = 0; i < tensors.size(); ++i)
        if (tensors[i].defined() && tensors[i].requires_grad()) gradients[i] = found[next++];
      return gradients;
    }
  }

  /// A weight of 0 leaves nothing of a row's gradient, whatever it is: at energy +infinity it may be NaN.
  template <class Real>
  void write_gradients(const Call<Real>& call, const std::vector<at::Tensor>& gradients) const {
    const at::NoGradGuard plain;
    for (int32_t i = 0; i < call.inputs(); ++i) {
      if (call.gradient(i) == nullptr) continue;
      at::Tensor out = tensor_view(call.gradient(i), {call.rows(), call.size(i)}, device_);
      at::Tensor gradient = gradients[i];
      if (!gradient.defined()) {
        if (!call.accumulate()) out.zero_();
        continue;
      }
      gradient = gradient.reshape({call.rows(), call.size(i)});
      if (call.row_weights() != nullptr) {
        const at::Tensor weight = tensor_view(call.row_weights(), {call.rows(), 1}, device_).to(out.scalar_type());
        gradient = at::where(weight.eq(0), at::zeros_like(gradient), gradient.mul(weight));
      }
      if (call.accumulate())
        out.add_(gradient);
      else
        out.copy_(gradient);
    }
  }

  at::Device device_;
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<bool> categorical_;
  std::vector<TorchParameter> parameters_;
};

}  // namespace potluck::plugin
