// SPDX-License-Identifier: Apache-2.0
#include "plugins/guarded_call.h"

#include <fmt/format.h>

namespace potluck {

std::string status_in_words(int status) {
  switch (status) {
    case POTLUCK_BAD_SETTING:
      return "a setting does not fit";
    case POTLUCK_BAD_SHAPE:
      return "a shape does not fit";
    case POTLUCK_UNSUPPORTED:
      return "this is not supported";
    case POTLUCK_OUT_OF_MEMORY:
      return "out of memory";
    case POTLUCK_NUMERIC:
      return "the numbers failed";
    case POTLUCK_INTERNAL:
      return "an internal error";
    default:
      return fmt::format("the status {}, which is none of potluck/plugin.h", status);
  }
}

}  // namespace potluck
