// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Parallel.h>

namespace potluck {

/// LibTorch works in this thread alone while this lives. Its own threads wait for each other by turning, a core each,
/// and where an array is cut for them decides the last bits of its numbers.
class LibTorchInOneThread {
 public:
  LibTorchInOneThread() : before_(at::get_num_threads()) {
    if (before_ != 1) at::set_num_threads(1);
  }
  ~LibTorchInOneThread() {
    if (before_ != 1) at::set_num_threads(before_);
  }
  LibTorchInOneThread(const LibTorchInOneThread&) = delete;
  LibTorchInOneThread& operator=(const LibTorchInOneThread&) = delete;

 private:
  int before_;
};

}  // namespace potluck
