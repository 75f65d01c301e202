// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linear.h>

namespace potluck::models {

/// x [B, in] times weight [out, in], transposed, plus bias [out] where it is defined. In float64 the bits of a
/// product's row depend on the row's address where rows have an odd number of numbers; so rows are filled up with zeros
/// to a multiple of eight, there and in the product's gradient.
inline at::Tensor linear_map(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {}) {
  constexpr int64_t kWhole = 8;
  const int64_t out = weight.size(0);
  const int64_t more_in = (kWhole - weight.size(1) % kWhole) % kWhole, more_out = (kWhole - out % kWhole) % kWhole;
  if (more_in == 0 && more_out == 0) return at::linear(x, weight, bias);
  const at::Tensor product =
      at::linear(at::constant_pad_nd(x, {0, more_in}), at::constant_pad_nd(weight, {0, more_in, 0, more_out}))
          .narrow(1, 0, out);
  return bias.defined() ? product.add(bias) : product;
}

}  // namespace potluck::models
