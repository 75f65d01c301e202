// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace potluck {

/// "10 GiB"
std::string size_in_words(double bytes);

/// Bytes of memory of the machine; infinite where it does not say.
double memory_of_machine();

}  // namespace potluck
