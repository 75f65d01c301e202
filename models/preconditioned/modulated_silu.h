// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/preconditioned/linear_map.h"
#include "models/preconditioned/parameters.h"

namespace potluck::models {

/// y = silu(z (1 + scale) + shift), silu(a) = a / (1 + exp(-a)) (Elfwing et al. 2018), with a scale and a shift for
/// every channel (Perez et al. 2018): z [B, channels, ...], modulation [B, 2 channels], scales first.
inline at::Tensor modulated_silu(const at::Tensor& z, const at::Tensor& modulation) {
  std::vector<int64_t> shape = z.sizes().vec();
  for (size_t i = 2; i < shape.size(); ++i) shape[i] = 1;
  const int64_t channels = shape[1];
  const at::Tensor scale = modulation.narrow(1, 0, channels).reshape(shape).add(1);
  const at::Tensor shift = modulation.narrow(1, channels, channels).reshape(shape);
  return at::silu(at::addcmul(shift, z, scale));
}

/// The same for a pair: z [2 B, channels, ...] has B rows of values and after them B rows of their derivatives along
/// some direction, and so has the result. Its reverse pass is written out, because autograd's own goes through each of
/// the elementary steps of silu's second derivative.
///
///   a = z_0 (1 + scale) + shift,  b = z_1 (1 + scale),  y_0 = silu(a),  y_1 = silu'(a) b
///   dL/da = g_0 silu'(a) + g_1 silu''(a) b,  dL/db = g_1 silu'(a)
class ModulatedSiluPair : public torch::autograd::Function<ModulatedSiluPair> {
 public:
  /// @param scale  1 + the channels' scales, [B, channels, 1 ...], as `shift`
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& z, const at::Tensor& scale,
                            const at::Tensor& shift) {
    const int64_t rows = z.size(0) / 2;
    const at::Tensor a = at::addcmul(shift, z.narrow(0, 0, rows), scale);
    const at::Tensor b = z.narrow(0, rows, rows).mul(scale);
    at::Tensor y = at::empty_like(z);
    at::Tensor value = y.narrow(0, 0, rows), derivative = y.narrow(0, rows, rows);
    at::silu_out(value, a);
    at::silu_backward_out(derivative, b, a);
    context->save_for_backward({z, scale, a, b});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &z = saved[0], &scale = saved[1], &a = saved[2], &b = saved[3];
    const int64_t rows = z.size(0) / 2;
    const at::Tensor g0 = gradients[0].narrow(0, 0, rows), g1 = gradients[0].narrow(0, rows, rows);
    // silu'' = s (1 - s) (2 + a (1 - 2 s)) with s = sigmoid(a)
    at::Tensor s = at::sigmoid(a);
    at::Tensor second = s.mul(-2).add_(1).mul_(a).add_(2);
    second.mul_(s).mul_(s.neg_().add_(1)).mul_(b).mul_(g1);
    const at::Tensor da = at::silu_backward(g0, a).add_(second), db = at::silu_backward(g1, a);
    at::Tensor dz = at::empty_like(z);
    at::Tensor dz0 = dz.narrow(0, 0, rows), dz1 = dz.narrow(0, rows, rows);
    at::mul_out(dz0, da, scale);
    at::mul_out(dz1, db, scale);
    at::Tensor of_scale = da.mul(z.narrow(0, 0, rows)).addcmul_(db, z.narrow(0, rows, rows)), of_shift = da;
    if (z.dim() > 2) {
      std::vector<int64_t> places;
      for (int64_t dim = 2; dim < z.dim(); ++dim) places.push_back(dim);
      of_scale = of_scale.sum(places, true);
      of_shift = of_shift.sum(places, true);
    }
    return {dz, of_scale, of_shift};
  }
};

inline at::Tensor modulated_silu_pair(const at::Tensor& z, const at::Tensor& modulation) {
  std::vector<int64_t> shape = z.sizes().vec();
  for (size_t i = 2; i < shape.size(); ++i) shape[i] = 1;
  shape[0] /= 2;
  const int64_t channels = shape[1];
  return ModulatedSiluPair::apply(z, modulation.narrow(1, 0, channels).reshape(shape).add(1),
                                  modulation.narrow(1, channels, channels).reshape(shape));
}

/// Scales and shifts of some channels, [B, 2 channels], from the features of noise and label, [B, features].
class Modulation {
 public:
  Modulation() = default;
  Modulation(ParameterMaker& maker, const std::string& name, int64_t channels, int64_t features)
      : weight_(maker.normal(name + "_modulation_weight", {2 * channels, features},
                             0.3 / std::sqrt(static_cast<double>(features)))),
        bias_(maker.constant(name + "_modulation_bias", {2 * channels}, 0)) {}
  at::Tensor operator()(const at::Tensor& features) const { return linear_map(features, weight_, bias_); }

 private:
  at::Tensor weight_, bias_;
};

}  // namespace potluck::models
