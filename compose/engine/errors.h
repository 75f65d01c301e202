// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include "potluck/engine.h"

namespace potluck::engine {

/// For a handler: throws the error of the face that stands for what was caught. What is none of Potluck's, such as
/// std::bad_alloc or an observer's, is thrown again as it is.
[[noreturn]] void throw_face_error();

/// The same for what was caught before.
std::exception_ptr face_error(const std::exception_ptr& caught);

/// Calls `work` on behalf of a function of the face.
template <class Work>
decltype(auto) translated(const Work& work) {
  try {
    return work();
  } catch (...) {
    throw_face_error();
  }
}

}  // namespace potluck::engine
