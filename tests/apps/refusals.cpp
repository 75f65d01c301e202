// SPDX-License-Identifier: Apache-2.0
// Put before libc by the tests (LD_PRELOAD): a machine that refuses.
//   POTLUCK_TEST_WRITES=N   the disk is full behind the first N calls that need room on it
//   POTLUCK_TEST_THREADS=N  no more than N threads are started
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {

long allowed(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : -1;
}

/// Whether this call is beyond what is allowed. -1 allows all.
bool refused(std::atomic<long>& count, long most) { return most >= 0 && count.fetch_add(1) >= most; }

bool disk_refuses(int descriptor) {
  static std::atomic<long> calls{0};
  static const long most = allowed("POTLUCK_TEST_WRITES");
  struct stat about = {};
  if (most < 0 || fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  if (!refused(calls, most)) return false;
  errno = ENOSPC;
  return true;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
  if (disk_refuses(descriptor)) return -1;
  return next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const iovec* pieces, int count) {
  if (disk_refuses(descriptor)) return -1;
  return next<ssize_t (*)(int, const iovec*, int)>("writev")(descriptor, pieces, count);
}

// What is there already needs no more room.
ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  struct stat about = {};
  const bool there = fstat(descriptor, &about) == 0 && offset + static_cast<off_t>(count) <= about.st_size;
  if (!there && disk_refuses(descriptor)) return -1;
  return next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*start)(void*), void* argument) {
  static std::atomic<long> threads{0};
  static const long most = allowed("POTLUCK_TEST_THREADS");
  // Threads are counted for good: those that ended are not given back, so that every later one is refused too.
  if (refused(threads, most)) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  return next<Create>("pthread_create")(thread, how, start, argument);
}

}  // extern "C"
