// SPDX-License-Identifier: Apache-2.0
#include "plugins/libtorch_products.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

#include "core/files/formats/sha256.h"
#include "plugins/library.h"

namespace potluck {

namespace {

// The host is built without LibTorch, whose functions are asked for by their symbols. A version that lacks one of them
// says less, no more.
using TextFunction = std::string();
constexpr char kCpuCapability[] = "_ZN2at18get_cpu_capabilityB5cxx11Ev";  // at::get_cpu_capability()
constexpr char kMklVersion[] = "_ZN2at15get_mkl_versionB5cxx11Ev";        // at::get_mkl_version()

template <class Real>
using Gemm = void(const char*, const char*, const int*, const int*, const int*, const Real*, const Real*, const int*,
                  const Real*, const int*, const Real*, Real*, const int*);

template <class Function>
Function* function(const char* symbol) {
  return reinterpret_cast<Function*>(libtorch_function(symbol));
}

std::string text_of(const char* symbol) {
  TextFunction* const call = function<TextFunction>(symbol);
  return call == nullptr ? "" : call();
}

/// Puts MKL on one thread, as a run does for each tile, and puts it back.
class OneThread {
 public:
  OneThread() : set_(function<int(int)>("MKL_Set_Num_Threads_Local")), before_(set_ == nullptr ? 0 : set_(1)) {}
  ~OneThread() {
    if (set_ != nullptr) set_(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int (*set_)(int);
  int before_;
};

constexpr int kRows = 48, kInner = 96, kColumns = 64;

template <class Real>
struct Matrices {
  alignas(64) std::array<Real, kRows * kInner> left;
  alignas(64) std::array<Real, kInner * kColumns> right;
  alignas(64) std::array<Real, kRows * kColumns> product;
};

/// Numbers in [-1/2, 1/2) of as many bits as the precision has, so that sums of their products are rounded.
template <class Real, size_t count>
void fill(std::array<Real, count>& numbers, uint64_t seed) {
  constexpr int kBits = std::numeric_limits<Real>::digits;
  for (Real& number : numbers) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;  // Knuth, TAOCP 2, 3.3.4
    const auto high = static_cast<int64_t>(seed >> (64 - kBits)) - (int64_t{1} << (kBits - 1));
    number = static_cast<Real>(high) / static_cast<Real>(int64_t{1} << kBits);
  }
}

template <class Real>
std::string bits_of_product(Gemm<Real>* gemm) {
  const auto matrices = std::make_unique<Matrices<Real>>();
  fill(matrices->left, 1);
  fill(matrices->right, 2);
  const Real one = 1, zero = 0;
  gemm("N", "N", &kRows, &kColumns, &kInner, &one, matrices->left.data(), &kRows, matrices->right.data(), &kInner,
       &zero, matrices->product.data(), &kRows);
  const std::string_view bytes(reinterpret_cast<const char*>(matrices->product.data()), sizeof matrices->product);
  return sha256_of_text(bytes).substr(0, 16);
}

}  // namespace

std::optional<LibtorchProducts> libtorch_products() {
  auto* const sgemm = function<Gemm<float>>("sgemm_");
  auto* const dgemm = function<Gemm<double>>("dgemm_");
  if (sgemm == nullptr || dgemm == nullptr) return std::nullopt;
  const OneThread one_thread;
  return LibtorchProducts{bits_of_product(sgemm), bits_of_product(dgemm), text_of(kCpuCapability),
                          text_of(kMklVersion)};
}

}  // namespace potluck
