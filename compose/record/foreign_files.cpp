// SPDX-License-Identifier: Apache-2.0
#include "compose/record/foreign_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "core/files/formats/atomic_file.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

constexpr std::array<std::string_view, 8> kFiles = {"run.json",   "swap.json",         "draws.nc",      "summary.json",
                                                    "summary.nc", "state.safetensors", "evidence.json", "training.csv"};

/// "rank-0001", and what is built beside a run: ".rank-0001.potluck-new", ".merge.potluck-whole"
bool is_run_within(const std::string& name) {
  const auto digits = [](std::string_view text) {
    return text.size() >= 4 && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (name.starts_with("rank-")) return digits(std::string_view(name).substr(5));
  return name.starts_with('.') &&
         (name.ends_with(".potluck-new") || name.ends_with(".potluck-old") || name.ends_with(".potluck-whole"));
}

bool is_ours_within(const std::string& folder, const filesystem::directory_entry& entry) {
  const filesystem::path name = entry.path().filename();
  if (is_leftover(name)) return true;
  if (folder == "draws") return name.extension() == ".part";
  if (folder == "checkpoint") return name == "latest";
  if (folder == "weights") return name.extension() == ".safetensors";
  return name.extension() == ".png";
}

void look_into(const filesystem::path& folder, const filesystem::path& from, std::vector<filesystem::path>& foreign);

void look_at(const filesystem::directory_entry& entry, const filesystem::path& from,
             std::vector<filesystem::path>& foreign) {
  const std::string name = entry.path().filename();
  const bool is_folder = entry.is_directory() && !entry.is_symlink();
  const bool known_folder = name == "draws" || name == "checkpoint" || name == "pictures" || name == "weights";
  if (is_folder && known_folder) {
    for (const auto& one : filesystem::directory_iterator(entry))
      if (!is_ours_within(name, one)) foreign.push_back(from / name / one.path().filename());
  } else if (is_folder && is_run_within(name)) {
    look_into(entry.path(), from / name, foreign);
  } else if (!is_folder && name.starts_with("events.out.tfevents.")) {
    return;  // of a training
  } else if (is_folder || !(is_leftover(name) || std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end())) {
    foreign.push_back(from / name);
  }
}

void look_into(const filesystem::path& folder, const filesystem::path& from, std::vector<filesystem::path>& foreign) {
  for (const auto& entry : filesystem::directory_iterator(folder)) look_at(entry, from, foreign);
}

}  // namespace

std::vector<filesystem::path> foreign_files(const filesystem::path& run) {
  std::vector<filesystem::path> foreign;
  look_into(run, "", foreign);
  std::sort(foreign.begin(), foreign.end());
  return foreign;
}

bool carry_foreign_files(const filesystem::path& run, const filesystem::path& to) {
  try {
    for (const filesystem::path& one : foreign_files(run)) {
      if (filesystem::symlink_status(to / one).type() != filesystem::file_type::not_found) return false;
      filesystem::create_directories((to / one).parent_path());
      filesystem::rename(run / one, to / one);
    }
    return true;
  } catch (const filesystem::filesystem_error&) {
    return false;
  }
}

}  // namespace potluck
