// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace potluck {

/// What an ELF note says of a plugin, read without opening the library.
struct PluginNote {
  int note = 0;
  std::string id, version, licence, torch, compiler;
  int abi = 0;
  uint32_t needs_minor = 0;
  std::vector<std::string> models;
};

/// Reads the headers and the note segments of the file, and nothing else of it: some ten microseconds. Every offset in
/// the file is distrusted.
/// @throws PluginError "…/x.potluck.so: must be an ELF shared library, got …", "… carries no Potluck note. …"
PluginNote read_note(const std::filesystem::path& file);

/// The lines of a note, as potluck/plugin.h documents them; keys that this version does not know are passed over.
/// @throws PluginError that begins with "its note".
PluginNote parse_note(std::string_view text);

/// Lower-case words of letters, digits and _, joined by dots: what ids and the names of models are made of.
bool is_dotted_name(std::string_view name);

}  // namespace potluck
