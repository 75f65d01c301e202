// SPDX-License-Identifier: Apache-2.0
#include "compose/record/swap_mark.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "core/files/formats/atomic_file.h"
#include "core/files/formats/write_error.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

const std::string kNewEnd = ".potluck-new", kOldEnd = ".potluck-old";

std::string text_at(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

nlohmann::json json_in(const filesystem::path& file) {
  std::ifstream text(file);
  if (!text) blame_machine(file, errno);
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : nlohmann::json::object();
}

SwapMark mark_of(const filesystem::path& folder) {
  const nlohmann::json json = json_in(folder / kMarkFile);
  const std::string role = text_at(json, "role");
  if (role == "old") return {SwapMark::Role::kOld, false};
  if (role != "new") return {};
  const auto whole = json.find("whole");
  return {SwapMark::Role::kNew, whole != json.end() && *whole == true};
}

void mark_new(const filesystem::path& folder, const filesystem::path& wanted, bool whole) {
  const nlohmann::json mark = {{"role", "new"}, {"of", wanted.filename().string()}, {"whole", whole}};
  const auto replace = nlohmann::json::error_handler_t::replace;
  write_whole_file(folder / kMarkFile, mark.dump(2, ' ', false, replace) + "\n");
}

void mark_old(const filesystem::path& folder) { write_whole_file(folder / kMarkFile, "{\"role\": \"old\"}\n"); }

void unmark(const filesystem::path& folder) {
  std::error_code ignored;  // then the next process does it
  if (filesystem::remove(folder / kMarkFile, ignored)) sync_folder(folder);
}

bool is_whole(const filesystem::path& folder, const SwapMark& mark) {
  return mark.whole || text_at(json_in(folder / "run.json"), "state") == "done";
}

filesystem::path place_of_new(const filesystem::path& run) {
  return run.parent_path() / fmt::format(".{}{}", run.filename().string(), kNewEnd);
}

filesystem::path place_of_old(const filesystem::path& run) {
  return run.parent_path() / fmt::format(".{}{}", run.filename().string(), kOldEnd);
}

bool is_place_beside_a_run(const filesystem::path& folder) {
  const std::string name = folder.filename();
  return name.size() > 1 + kNewEnd.size() && name.front() == '.' &&
         (name.ends_with(kNewEnd) || name.ends_with(kOldEnd));
}

filesystem::path run_beside(const filesystem::path& place) {
  const std::string name = place.filename();
  return place.parent_path() / name.substr(1, name.size() - 1 - kNewEnd.size());
}

size_t most_bytes_of_name() {
  constexpr size_t kMostBytes = 255;  // no file system of ours has names of more
  return kMostBytes - 1 - kNewEnd.size();
}

}  // namespace potluck
