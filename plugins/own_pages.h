// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace potluck {

/// Makes the pages of an opened library this process's own: code and data no longer hang on the file, which may then be
/// rewritten in place, cut short or deleted. Addresses, names, and what $ORIGIN stands for stay as they are
/// (docs/decisions/0010-plugins-that-misbehave.md).
///
/// Pages of a library that relocates its code, and all where the system allows no code in memory of its own, stay the
/// file's.
/// @param file  as it was opened
/// @param with_data  whether data that is written to is made own as well: false where threads run in it already, whose
///                   stores in the meantime would be lost
void own_pages(const std::filesystem::path& file, bool with_data);

}  // namespace potluck
