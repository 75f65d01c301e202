// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xmmintrin.h>

namespace potluck {

/// Keeps foreign code from changing how the host rounds: the thread's MXCSR comes back as it was, and so does the mode
/// of the x87 unit, which computes in long double. A library that was linked with -ffast-math turns on flush-to-zero
/// and denormals-are-zero in the thread that opens it; fesetround() changes both.
///
/// Inside, the mode is that of every new process (round to nearest, denormals kept, nothing trapped), so that a
/// model's bits do not depend on who calls it.
class FloatingPointGuard {
 public:
  FloatingPointGuard() : mode_(_mm_getcsr()), x87_mode_(x87_mode()) {
    if (mode_ != kUsual) _mm_setcsr(kUsual);
    if (x87_mode_ != kUsualX87) set_x87_mode(kUsualX87);
  }
  ~FloatingPointGuard() {
    _mm_setcsr(mode_);
    if (x87_mode() != x87_mode_) set_x87_mode(x87_mode_);
  }
  FloatingPointGuard(const FloatingPointGuard&) = delete;
  FloatingPointGuard& operator=(const FloatingPointGuard&) = delete;

 private:
  static constexpr unsigned int kUsual = 0x1f80;
  static constexpr unsigned short kUsualX87 = 0x037f;

  static unsigned short x87_mode() {
    unsigned short mode;
    asm volatile("fnstcw %0" : "=m"(mode));
    return mode;
  }
  static void set_x87_mode(unsigned short mode) { asm volatile("fldcw %0" : : "m"(mode)); }

  unsigned int mode_;
  unsigned short x87_mode_;
};

}  // namespace potluck
