// SPDX-License-Identifier: Apache-2.0
#include "apps/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
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
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  if (!kept_) filesystem::remove_all(path_, ignored);
}

void RunFolder::publish() {
  kept_ = true;
  if (path_ == folder_) return;
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
