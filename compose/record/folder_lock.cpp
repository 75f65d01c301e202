// SPDX-License-Identifier: Apache-2.0
#include "compose/record/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/files/formats/write_error.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

bool has_the_name(int descriptor, const filesystem::path& folder) {
  struct stat mine = {}, there = {};
  return fstat(descriptor, &mine) == 0 && stat(folder.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
         mine.st_dev == there.st_dev;
}

}  // namespace

FolderInUse::FolderInUse(const filesystem::path& folder)
    : FileError(fmt::format("{} must be a folder that no other process writes to, got one that is in use. Wait for "
                            "that run, or end it",
                            folder.string())) {}

std::optional<FolderLock> FolderLock::take(const filesystem::path& folder) { return locked(folder, LOCK_EX | LOCK_NB); }

FolderLock FolderLock::wait(const filesystem::path& folder) { return std::move(*locked(folder, LOCK_EX)); }

std::optional<FolderLock> FolderLock::locked(const filesystem::path& folder, int how) {
  while (true) {
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
      blame_machine(folder, errno);
      return FolderLock(-1);
    }
    int failed = flock(descriptor, how);
    while (failed != 0 && errno == EINTR) failed = flock(descriptor, how);
    if (failed != 0 && errno == EWOULDBLOCK) {
      close(descriptor);
      return std::nullopt;
    }
    if (has_the_name(descriptor, folder)) return FolderLock(descriptor);
    close(descriptor);  // another folder was given its name before it was locked
  }
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::vector<FolderLock> lock_with_runs_below(const filesystem::path& folder) {
  std::vector<FolderLock> locks;
  const auto take = [&](const filesystem::path& one) {
    std::optional<FolderLock> lock = FolderLock::take(one);
    if (!lock) throw FolderInUse(one);
    locks.push_back(std::move(*lock));
  };
  take(folder);
  std::error_code failed;
  for (filesystem::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().filename() == "run.json" && entry->path().parent_path() != folder)
      take(entry->path().parent_path());
  }
  return locks;
}

}  // namespace potluck
