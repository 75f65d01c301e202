// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xmmintrin.h>

namespace potluck {

/// Keeps foreign code from changing how the host rounds: the thread's MXCSR comes back as it was. A library that was
/// linked with -ffast-math turns on flush-to-zero and denormals-are-zero in the thread that opens it.
///
/// Inside, the mode is that of every new process (round to nearest, denormals kept, nothing trapped), so that a
/// model's bits do not depend on who calls it.
class FloatingPointGuard {
 public:
  FloatingPointGuard() : mode_(_mm_getcsr()) {
    if (mode_ != kUsual) _mm_setcsr(kUsual);
  }
  ~FloatingPointGuard() { _mm_setcsr(mode_); }
  FloatingPointGuard(const FloatingPointGuard&) = delete;
  FloatingPointGuard& operator=(const FloatingPointGuard&) = delete;

 private:
  static constexpr unsigned int kUsual = 0x1f80;
  unsigned int mode_;
};

}  // namespace potluck
