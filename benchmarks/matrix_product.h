// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

namespace potluck::benchmarks {

/// LibTorch's x P for float32 tiles x [rows, n] into arrays of the caller, one thread a product.
class MatrixProduct {
 public:
  MatrixProduct(int64_t rows, int64_t n);
  ~MatrixProduct();

  /// x and out are [rows, n].
  void multiply(float* x, float* out) const;

  /// Says that the calling thread computes its products alone.
  static void use_one_thread();

 private:
  struct Matrix;
  int64_t rows_, n_;
  std::unique_ptr<Matrix> matrix_;
};

}  // namespace potluck::benchmarks
