// SPDX-License-Identifier: Apache-2.0
#include "plugins/memory_size.h"

#include <fmt/format.h>
#include <unistd.h>

#include <limits>

namespace potluck {

std::string size_in_words(double bytes) {
  constexpr double kMebi = 1024.0 * 1024;
  const char* unit = "MiB";
  double size = bytes / kMebi;
  for (const char* larger : {"GiB", "TiB", "PiB", "EiB"}) {
    if (size < 1000) break;  // four digits would be printed with an exponent
    size /= 1024;
    unit = larger;
  }
  return size < 999.5 ? fmt::format("{:.3g} {}", size, unit) : fmt::format("{:.0f} {}", size, unit);
}

double memory_of_machine() {
  static const double memory = [] {
    const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGE_SIZE);
    return pages > 0 && bytes > 0 ? static_cast<double>(pages) * static_cast<double>(bytes)
                                  : std::numeric_limits<double>::infinity();
  }();
  return memory;
}

}  // namespace potluck
