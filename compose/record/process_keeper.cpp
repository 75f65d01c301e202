// SPDX-License-Identifier: Apache-2.0
#include "compose/record/process_keeper.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "plugins/plugin_call.h"

namespace potluck {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};  // a look costs some microseconds

/// "the plugin odd 1.0", "one of the plugins acme.ising 1.2.0, odd 1.0"
std::string in_words(const std::vector<const ModelKind*>& models) {
  std::set<std::string> plugins;
  for (const ModelKind* kind : models) plugins.insert(fmt::format("{} {}", kind->plugin_id, kind->plugin_version));
  return fmt::format("{} {}", plugins.size() == 1 ? "the plugin" : "one of the plugins", fmt::join(plugins, ", "));
}

const std::vector<int> kStreams = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};

/// What the folder is held by.
std::vector<int> descriptors_of(const std::filesystem::path& folder) {
  std::vector<int> keep;
  struct stat wanted;
  if (stat(folder.c_str(), &wanted) != 0) return keep;
  const long most = std::min(sysconf(_SC_OPEN_MAX), 1024L);
  for (int descriptor = STDERR_FILENO + 1; descriptor < most; ++descriptor) {
    struct stat file;
    if (fstat(descriptor, &file) == 0 && file.st_dev == wanted.st_dev && file.st_ino == wanted.st_ino)
      keep.push_back(descriptor);
  }
  return keep;
}

}  // namespace

ProcessKeeper::ProcessKeeper(const std::vector<const ModelKind*>& models, const std::filesystem::path& folder)
    : models_(in_words(models)), streams_(kStreams), held_(descriptors_of(folder)), looked_(Clock::now()) {
  state_.emplace();
}

void ProcessKeeper::take_up(bool streams_were_there) {
  if (!state_->is_now()) state_.emplace();
  if (streams_were_there && !streams_.lost().empty()) streams_ = OpenDescriptors(kStreams);
}

void ProcessKeeper::look_now_and_then() {
  const Clock::time_point now = Clock::now();
  if (now - looked_ < kBetweenLooks) return;
  looked_ = now;
  look();
}

void ProcessKeeper::look() const {
  state_->restore();
  check_for_strays();
  std::vector<int> lost = streams_.lost();
  const std::vector<int> of_folder = held_.lost();
  lost.insert(lost.end(), of_folder.begin(), of_folder.end());
  if (!lost.empty())
    throw PluginError(
        fmt::format("{} closed descriptors of the process in evaluate: {}. A model closes what it opened itself",
                    models_, fmt::join(lost, ", ")));
}

}  // namespace potluck
