// SPDX-License-Identifier: Apache-2.0
#include "plugins/fitness.h"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/library.h"
#include "plugins/table.h"
#include "potluck/plugin.h"

namespace potluck {

namespace {

/// "2.11.0+cu130" -> "2.11.0": builds for other devices of one version fit each other.
std::string release(const std::string& build) { return build.substr(0, build.find('+')); }

}  // namespace

std::string unfit_reason(const PluginNote& note) {
  if (note.abi != POTLUCK_ABI_MAJOR) {
    return fmt::format(
        "built for version {} of the door, this Potluck has version {}. {}", note.abi, POTLUCK_ABI_MAJOR,
        note.abi > POTLUCK_ABI_MAJOR ? "Use a newer Potluck, or a build of it for this version" : "Rebuild it");
  }
  if (note.needs_minor > POTLUCK_ABI_MINOR) {
    return fmt::format("needs version {}.{} of the door, this Potluck has {}.{}. Use a newer Potluck", note.abi,
                       note.needs_minor, POTLUCK_ABI_MAJOR, POTLUCK_ABI_MINOR);
  }
  if (note.torch != "none" && release(note.torch) != release(libtorch_build())) {
    return fmt::format("built for LibTorch {}, this Potluck uses {}. Rebuild it, or ask for one without LibTorch",
                       release(note.torch), release(libtorch_build()));
  }
  for (size_t i = 0; i < note.models.size(); ++i) {
    std::string complaint = complaint_about_model_name(note.models[i], note.id);
    if (!complaint.empty()) return complaint;
    if (std::find(note.models.begin(), note.models.begin() + static_cast<std::ptrdiff_t>(i), note.models[i]) !=
        note.models.begin() + static_cast<std::ptrdiff_t>(i)) {
      return fmt::format("model '{}' is declared twice", note.models[i]);
    }
  }
  return "";
}

std::string unsafe_reason(const std::filesystem::path& file) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto anybody_writes = [&error](const fs::path& path) {
    const fs::perms permissions = fs::status(path, error).permissions();
    return !error && (permissions & fs::perms::others_write) != fs::perms::none;
  };
  const fs::path real = fs::canonical(file, error);
  if (error) return fmt::format("cannot be read: {}", error.message());
  const char* const remedy = "Run chmod o-w on it, or allow it with --allow-world-writable";
  if (anybody_writes(real)) return fmt::format("anybody may write to this file. {}", remedy);
  for (const fs::path& folder : {file.parent_path(), real.parent_path()}) {
    if (anybody_writes(folder)) {
      return fmt::format("anybody may write to its folder {}. {}", folder.string(), remedy);
    }
  }
  return "";
}

}  // namespace potluck
