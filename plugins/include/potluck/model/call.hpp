// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "potluck/plugin.h"

namespace potluck::plugin {

/// One evaluation on a batch of chains, typed. All arrays are the host's: dense, row-major, one row per chain, on the
/// model's device. `Real` is float or double, as the model was created.
template <class Real>
class Call {
 public:
  Call(const potluck_call* raw, std::span<const int64_t> sizes, bool on_cuda, size_t workspace_offset = 0)
      : raw_(raw), sizes_(sizes), on_cuda_(on_cuda), workspace_offset_(workspace_offset) {}

  int64_t rows() const { return raw_->rows; }
  int32_t inputs() const { return static_cast<int32_t>(sizes_.size()); }
  int64_t size(int32_t i = 0) const { return sizes_[i]; }  ///< numbers in a row of input i

  /// [rows, size(i)]; null where the host gives none (inputs that are left out, those left open in `quadratic`, drawn
  /// ones in `draw`).
  const Real* input(int32_t i = 0) const { return static_cast<const Real*>(raw_->input ? raw_->input[i] : nullptr); }
  const int64_t* labels(int32_t i) const { return static_cast<const int64_t*>(raw_->input ? raw_->input[i] : nullptr); }
  std::span<const Real> input_row(int32_t i, int64_t row) const {
    return {input(i) + row * size(i), static_cast<size_t>(size(i))};
  }

  double* energy() const { return raw_->energy; }  ///< [rows], or null where not wanted
  /// [rows, size(i)]: dE/dinput i, or null where not wanted.
  Real* gradient(int32_t i = 0) const { return static_cast<Real*>(raw_->gradient ? raw_->gradient[i] : nullptr); }
  bool wants_gradient() const {
    for (int32_t i = 0; i < inputs(); ++i)
      if (gradient(i) != nullptr) return true;
    return false;
  }

  /// Gradient rows are to be multiplied by these; null: by 1. Set only for models that accumulate, as is accumulate().
  const double* row_weights() const { return raw_->row_weight; }
  double row_weight(int64_t row) const { return raw_->row_weight ? raw_->row_weight[row] : 1.0; }
  bool accumulate() const { return raw_->accumulate != 0; }  ///< add to the gradient instead of overwriting it

  int32_t threads() const { return raw_->threads; }
  /// Facts::workspace_bytes + rows() * Facts::workspace_bytes_a_row bytes, aligned to 64.
  template <class Value>
  Value* workspace() const {
    return reinterpret_cast<Value*>(static_cast<std::byte*>(raw_->workspace) + workspace_offset_);
  }

  bool on_cuda() const { return on_cuda_; }
  void* stream() const { return raw_->stream; }  ///< cudaStream_t to enqueue on
  const potluck_call& raw() const { return *raw_; }

 private:
  const potluck_call* raw_;
  std::span<const int64_t> sizes_;
  bool on_cuda_;
  size_t workspace_offset_;
};

/// One chain of a call, on the CPU: what `double energy(const Row<Real>&) const` gets. Weights and accumulation are
/// done around it, so that `gradient` is simply overwritten with dE/dinput.
template <class Real>
class Row {
 public:
  Row(const Call<Real>& call, int64_t index, Real* scratch) : call_(call), index_(index), scratch_(scratch) {}

  int64_t index() const { return index_; }  ///< within the batch; an energy must not depend on it
  std::span<const Real> input(int32_t i = 0) const { return call_.input_row(i, index_); }
  std::span<const int64_t> labels(int32_t i) const {
    return {call_.labels(i) + index_ * call_.size(i), static_cast<size_t>(call_.size(i))};
  }
  bool wants_gradient(int32_t i = 0) const { return call_.gradient(i) != nullptr; }
  /// Empty where not wanted, otherwise to be filled whole.
  std::span<Real> gradient(int32_t i = 0) const {
    if (!wants_gradient(i)) return {};
    Real* first = call_.gradient(i) + index_ * call_.size(i);
    if (scratch_ != nullptr) {
      first = scratch_;
      for (int32_t before = 0; before < i; ++before) first += call_.size(before);
    }
    return {first, static_cast<size_t>(call_.size(i))};
  }
  const Call<Real>& call() const { return call_; }

 private:
  const Call<Real>& call_;
  int64_t index_;
  Real* scratch_;  ///< one row of all inputs, or null: straight into the host's array
};

/// E = v'Pv/2 - h'v + c over the inputs that were left open, one after the other. All zero on entry.
struct QuadraticForm {
  std::span<double> precision;  ///< P [n, n], symmetric
  std::span<double> linear;     ///< h [n]
  double constant = 0;          ///< c
};

/// Exact draws that the host asks for, on the CPU.
template <class Real>
class DrawCall {
 public:
  DrawCall(const Call<Real>& given, const uint8_t* const* held, const double* uniforms, int64_t uniforms_a_row,
           void* const* out)
      : given_(given), held_(held), uniforms_(uniforms), uniforms_a_row_(uniforms_a_row), out_(out) {}

  int64_t rows() const { return given_.rows(); }
  int64_t size(int32_t i = 0) const { return given_.size(i); }
  bool holds_any() const { return held_ != nullptr; }
  bool held(int32_t i, int64_t j) const { return held_ != nullptr && held_[i] != nullptr && held_[i][j] != 0; }
  /// Parents, and where holds_any() the drawn inputs whose held coordinates count.
  const Call<Real>& given() const { return given_; }
  std::span<const double> uniforms(int64_t row) const {  ///< in (0, 1)
    return {uniforms_ + row * uniforms_a_row_, static_cast<size_t>(uniforms_a_row_)};
  }
  /// To be filled whole, held coordinates with the values given.
  std::span<Real> out(int32_t i, int64_t row) const {
    return {static_cast<Real*>(out_[i]) + row * size(i), static_cast<size_t>(size(i))};
  }

 private:
  const Call<Real>& given_;
  const uint8_t* const* held_;
  const double* uniforms_;
  int64_t uniforms_a_row_;
  void* const* out_;
};

/// sum(p) += sum_b cotangent[b] dE_b/dp + sum_b d/dp (tangent_b . dE_b/dx)
template <class Real>
class ParameterCall {
 public:
  ParameterCall(const Call<Real>& call, const double* cotangent, const void* const* tangent, void* const* sum)
      : call_(call), cotangent_(cotangent), tangent_(tangent), sum_(sum) {}
  const Call<Real>& call() const { return call_; }
  const double* cotangent() const { return cotangent_; }  ///< [rows], or null: no such term
  /// [rows, size(i)], or null: no such term.
  const Real* tangent(int32_t i = 0) const { return static_cast<const Real*>(tangent_ ? tangent_[i] : nullptr); }
  bool has_tangent() const {
    for (int32_t i = 0; i < call_.inputs(); ++i)
      if (tangent(i) != nullptr) return true;
    return false;
  }
  Real* sum(int32_t parameter) const { return static_cast<Real*>(sum_[parameter]); }

 private:
  const Call<Real>& call_;
  const double* cotangent_;
  const void* const* tangent_;
  void* const* sum_;
};

}  // namespace potluck::plugin
