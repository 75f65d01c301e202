// SPDX-License-Identifier: Apache-2.0
#include "apps/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <regex>
#include <system_error>

#include "core/error.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

void create(const filesystem::path& folder) {
  std::error_code failed;
  filesystem::create_directories(folder, failed);
  if (failed)
    throw FileError(fmt::format("output folder {} cannot be made: {}. Choose another with --output", folder.string(),
                                failed.message()));
}

// Only a run may be overwritten: `--output ~ --overwrite` must not cost anybody a home.
bool may_be_replaced(const filesystem::path& folder) {
  if (!filesystem::is_directory(folder)) return false;
  return filesystem::is_empty(folder) || filesystem::exists(folder / "run.json");
}

}  // namespace

RunFolder::RunFolder(const filesystem::path& folder, bool overwrite) : folder_(filesystem::absolute(folder)) {
  folder_ = folder_.lexically_normal();
  if (!folder_.has_filename()) folder_ = folder_.parent_path();
  path_ = folder_;
  if (filesystem::symlink_status(folder_).type() != filesystem::file_type::not_found) {
    if (!overwrite)
      throw FileError(fmt::format(
          "output folder {} is there already. Choose another with --output, or give --overwrite", folder.string()));
    if (!may_be_replaced(folder_))
      throw FileError(
          fmt::format("output folder {} must be a run to be overwritten, got something without run.json. "
                      "Choose another with --output",
                      folder.string()));
    path_ = folder_.parent_path() / fmt::format(".{}.new-{}", folder_.filename().string(), getpid());
  }
  create(path_);
  hold();
}

RunFolder::RunFolder(const filesystem::path& earlier) : folder_(earlier), path_(earlier), kept_(true) {
  hold();
  static const std::regex beside("\\.(.+)\\.new-[0-9]+");
  std::smatch match;
  const std::string name = path_.filename();
  if (std::regex_match(name, match, beside)) folder_ = path_.parent_path() / match[1].str();
}

// The lock goes with the process, however it ends.
void RunFolder::hold() {
  descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0 || flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(descriptor_);
  kept_ = true;
  throw FileError(
      fmt::format("{} must be a folder that no other process writes to, got one that is in use. Wait for "
                  "that run, or end it",
                  path_.string()));
}

RunFolder::~RunFolder() {
  if (descriptor_ >= 0) close(descriptor_);
  std::error_code ignored;
  if (!kept_) filesystem::remove_all(path_, ignored);
}

void RunFolder::publish() {
  kept_ = true;
  if (path_ == folder_) return;
  if (!filesystem::exists(folder_)) {
    filesystem::rename(path_, folder_);
    path_ = folder_;
    return;
  }
  // One exchange of names, so that a run stands under the name at any time.
  if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, folder_.c_str(), RENAME_EXCHANGE) != 0) {
    // Not every file system can: then the older run steps aside first.
    const filesystem::path old = path_.parent_path() / fmt::format(".{}.old-{}", folder_.filename().string(), getpid());
    filesystem::rename(folder_, old);
    filesystem::rename(path_, folder_);
    path_ = old;
  }
  std::error_code ignored;
  filesystem::remove_all(path_, ignored);
  path_ = folder_;
}

}  // namespace potluck
