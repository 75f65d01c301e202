// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/atomic_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

constexpr const char* kTemporaryEnd = ".part-written";

[[noreturn]] void fail(const std::filesystem::path& file, const char* advice) { fail_to_write(file, errno, advice); }

std::filesystem::path temporary_name(const std::filesystem::path& file) {
  static std::atomic<uint64_t> counter = 0;
  return file.parent_path() / fmt::format(".{}.{}-{}{}", file.filename().string(), getpid(), counter++, kTemporaryEnd);
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path file) : file_(std::move(file)), temporary_(temporary_name(file_)) {
  descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(file_, "Check that its folder is there and may be written");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::write(const void* bytes, size_t count) {
  const char* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::write(descriptor_, from, count);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(file_, "Check the space on the disk");
    from += done;
    count -= static_cast<size_t>(done);
  }
}

void AtomicFile::write_at(uint64_t place, const void* bytes, size_t count) {
  const char* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::pwrite(descriptor_, from, count, static_cast<off_t>(place));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(file_, "Check the space on the disk");
    from += done;
    place += static_cast<uint64_t>(done);
    count -= static_cast<size_t>(done);
  }
}

void AtomicFile::commit() {
  // A library that writes by name may have put another file there: sync the one that has the name now.
  ::close(descriptor_);
  descriptor_ = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0 || ::fsync(descriptor_) != 0) fail(file_, "Check the space on the disk");
  ::close(descriptor_);
  descriptor_ = -1;
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail(file_, "Remove what stands there");
  committed_ = true;
  sync_folder(folder_of(file_));
}

void write_whole_file(const std::filesystem::path& file, std::string_view contents) {
  AtomicFile target(file);
  target.write(contents.data(), contents.size());
  target.commit();
}

void give_name(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  const int error = errno;
  try {
    fail_to_write(to, error, "Check that its folder may be written");
  } catch (const FileError&) {
    throw_again([&](const std::string& text) { return fmt::format("{} must be renamed: {}", from.string(), text); });
  }
}

bool is_leftover(const std::filesystem::path& file) {
  const std::string name = file.filename();
  return name.starts_with('.') && name.ends_with(kTemporaryEnd);
}

void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored))
    if (is_leftover(entry->path())) found.push_back(entry->path());
  for (const std::filesystem::path& file : found) std::filesystem::remove(file, ignored);
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some file systems cannot sync a folder and answer EINVAL; there is nothing more to ask of them.
  const bool failed = descriptor < 0 || (::fsync(descriptor) != 0 && errno != EINVAL);
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  errno = reason;
  if (failed) fail(folder, "Check the disk");
}

void sync_tree(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_symlink()) continue;
    if (entry.is_directory()) sync_folder(entry.path());
    if (!entry.is_regular_file()) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool failed = descriptor < 0 || (::fsync(descriptor) != 0 && errno != EINVAL);
    const int reason = errno;
    if (descriptor >= 0) ::close(descriptor);
    errno = reason;
    if (failed) fail(entry.path(), "Check the disk");
  }
  sync_folder(folder);
}

}  // namespace potluck
