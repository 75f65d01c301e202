// SPDX-License-Identifier: Apache-2.0
// Put before libc by the tests (LD_PRELOAD): a machine that refuses.
//   POTLUCK_TEST_WRITES=N   the disk is full behind the first N calls that need room on it
//   POTLUCK_TEST_SYNCS=N    it fails to keep what was written behind the first N calls that ask for it
//   POTLUCK_TEST_RENAMES=N  it has no room for more than N new names of what is there
//   POTLUCK_TEST_FILES=N    it has no room for more than N new files and folders
//   POTLUCK_TEST_THREADS=N  no more than N threads are started
// Standard streams are not on that disk.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>

namespace {

/// Calls of one kind, of which the environment allows a number.
class Allowed {
 public:
  explicit Allowed(const char* setting) : setting_(setting) {}

  /// Whether this call is beyond it; errno is then `error`.
  bool refuses(int error) {
    const char* const most = std::getenv(setting_);
    if (most == nullptr || calls_.fetch_add(1) < std::atol(most)) return false;
    errno = error;
    return true;
  }

 private:
  const char* setting_;
  std::atomic<long> calls_{0};
};

Allowed writes("POTLUCK_TEST_WRITES"), syncs("POTLUCK_TEST_SYNCS"), renames("POTLUCK_TEST_RENAMES"),
    files("POTLUCK_TEST_FILES"), threads("POTLUCK_TEST_THREADS");

/// Or a duplicate of one.
bool is_standard_stream(const struct stat& about) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat standard = {};
    if (fstat(stream, &standard) == 0 && standard.st_dev == about.st_dev && standard.st_ino == about.st_ino)
      return true;
  }
  return false;
}

bool disk_is_full(int descriptor) {
  struct stat about = {};
  if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode) || is_standard_stream(about)) return false;
  return writes.refuses(ENOSPC);
}

bool takes_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

/// Of a call that may make `name`, which is relative to `folder`.
bool cannot_make(int folder, const char* name, int flags) {
  struct stat about = {};
  return (flags & O_CREAT) != 0 && fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0 && files.refuses(ENOSPC);
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
  if (disk_is_full(descriptor)) return -1;
  return next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const iovec* pieces, int count) {
  if (disk_is_full(descriptor)) return -1;
  return next<ssize_t (*)(int, const iovec*, int)>("writev")(descriptor, pieces, count);
}

// What is there already needs no more room.
ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  struct stat about = {};
  const bool there = fstat(descriptor, &about) == 0 && offset + static_cast<off_t>(count) <= about.st_size;
  if (!there && disk_is_full(descriptor)) return -1;
  return next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
  if (syncs.refuses(EIO)) return -1;
  return next<int (*)(int)>("fsync")(descriptor);
}

int fdatasync(int descriptor) {
  if (syncs.refuses(EIO)) return -1;
  return next<int (*)(int)>("fdatasync")(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  if (renames.refuses(ENOSPC)) return -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  if (renames.refuses(ENOSPC)) return -1;
  return next<int (*)(int, const char*, int, const char*)>("renameat")(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (renames.refuses(ENOSPC)) return -1;
  return next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2")(from_folder, from, to_folder, to,
                                                                                  flags);
}

int mkdir(const char* name, mode_t mode) noexcept {
  if (cannot_make(AT_FDCWD, name, O_CREAT)) return -1;
  return next<int (*)(const char*, mode_t)>("mkdir")(name, mode);
}

int openat(int folder, const char* name, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = takes_mode(flags) ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (cannot_make(folder, name, flags)) return -1;
  return next<int (*)(int, const char*, int, ...)>("openat")(folder, name, flags, mode);
}

int open(const char* name, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = takes_mode(flags) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return openat(AT_FDCWD, name, flags, mode);
}

int open64(const char* name, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = takes_mode(flags) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return openat(AT_FDCWD, name, flags, mode);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*start)(void*), void* argument) {
  // Threads are counted for good: those that ended are not given back, so that every later one is refused too.
  if (threads.refuses(EAGAIN)) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  return next<Create>("pthread_create")(thread, how, start, argument);
}

}  // extern "C"
