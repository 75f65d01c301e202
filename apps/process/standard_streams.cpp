// SPDX-License-Identifier: Apache-2.0
#include "apps/process/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace potluck {
namespace {

struct GuardedStream {
  int descriptor;
  int duplicate = -1;  ///< of the descriptor, which is written to; -1: there is none
  int failure = 0;     ///< error number of the first write that failed
  std::FILE* stream = nullptr;
};

GuardedStream guarded_output{STDOUT_FILENO}, guarded_errors{STDERR_FILENO};

pid_t owner = 0;  // of the duplicates: a child that is kept apart has other streams

ssize_t write_somewhere(const GuardedStream& to, const char* text, size_t count) {
  if (to.duplicate >= 0 && getpid() == owner) {
    const ssize_t written = ::write(to.duplicate, text, count);
    if (written >= 0 || errno != EBADF) return written;
  }
  return ::write(to.descriptor, text, count);
}

/// Takes all of `text`, whatever becomes of it.
ssize_t write_or_remember(void* guarded, const char* text, size_t count) {
  auto& to = *static_cast<GuardedStream*>(guarded);
  for (size_t done = 0; done < count;) {
    const ssize_t written = write_somewhere(to, text + done, count - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (written < 0 && errno == EAGAIN) {
      // Another process has set the pipe or the terminal that is shared with it not to wait.
      pollfd room = {to.descriptor, POLLOUT, 0};
      poll(&room, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      if (to.failure == 0) to.failure = written == 0 ? EIO : errno;
      break;
    }
  }
  return static_cast<ssize_t>(count);
}

void open_where_closed() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free is this one. Only to be read, so that a write fails as if it were closed.
    if (open("/dev/null", O_RDONLY) < 0) return;
  }
}

/// Above what a process with few files has, and below the least limit on their number that is common.
constexpr int kFarFromFiles = 250;

std::FILE* guard(GuardedStream& stream, std::FILE* before, int buffering) {
  stream.duplicate = fcntl(stream.descriptor, F_DUPFD_CLOEXEC, kFarFromFiles);
  cookie_io_functions_t calls = {};
  calls.write = write_or_remember;
  stream.stream = fopencookie(&stream, "w", calls);
  if (stream.stream == nullptr) return before;  // no memory: then it is as it was
  std::setvbuf(stream.stream, nullptr, buffering, BUFSIZ);
  return stream.stream;
}

}  // namespace

void guard_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  open_where_closed();
  owner = getpid();
  // glibc lets these names be given other streams.
  stdout = guard(guarded_output, stdout, isatty(STDOUT_FILENO) != 0 ? _IOLBF : _IOFBF);
  stderr = guard(guarded_errors, stderr, _IONBF);
}

int unprinted_output() {
  std::fflush(stdout);
  return guarded_output.failure;
}

void write_to_errors(const char* text, size_t count) noexcept {
  while (count > 0) {
    const ssize_t written = write_somewhere(guarded_errors, text, count);
    if (written <= 0) return;  // there is nobody left to tell
    text += written;
    count -= static_cast<size_t>(written);
  }
}

int descriptor_of(std::FILE* stream) {
  for (const GuardedStream* guarded : {&guarded_output, &guarded_errors})
    if (guarded->stream != nullptr && guarded->stream == stream) return guarded->descriptor;
  return fileno(stream);
}

}  // namespace potluck
