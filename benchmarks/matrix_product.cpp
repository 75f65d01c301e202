// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/matrix_product.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <c10/core/InferenceMode.h>

namespace potluck::benchmarks {

struct MatrixProduct::Matrix {
  at::Tensor precision;
};

MatrixProduct::MatrixProduct(int64_t rows, int64_t n)
    : rows_(rows),
      n_(n),
      matrix_(std::make_unique<Matrix>(Matrix{at::full({n, n}, 1.0 / static_cast<double>(n), at::kFloat)})) {}
MatrixProduct::~MatrixProduct() = default;

void MatrixProduct::multiply(float* x, float* out) const {
  const c10::InferenceMode inference;
  at::Tensor product = at::from_blob(out, {rows_, n_}, at::kFloat);
  at::mm_out(product, at::from_blob(x, {rows_, n_}, at::kFloat), matrix_->precision);
}

void MatrixProduct::use_one_thread() { at::set_num_threads(1); }

}  // namespace potluck::benchmarks
