// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace potluck {

/// What the LibTorch of this process makes of matrix products on the CPU. Its linear-algebra library chooses code by
/// the processor and its maker, and not every one says which: on processors of other makers Intel's names no level. So
/// the choice is told by its result.
struct LibtorchProducts {
  /// SHA-256 of the bits of one fixed product, [48, 96] times [96, 64], on one thread, its first 16 digits. Machines
  /// where they agree run the same code.
  std::string float32_bits, float64_bits;
  std::string kernels;  ///< of LibTorch's own operations: "AVX512", "AVX2", "DEFAULT"; empty where it does not say
  std::string library;  ///< of linear algebra, with its version; empty where it does not say
};

/// Nothing where no plugin has brought LibTorch into the process, or it has no matrix product to call.
std::optional<LibtorchProducts> libtorch_products();

}  // namespace potluck
