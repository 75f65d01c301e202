// SPDX-License-Identifier: Apache-2.0
#include "plugins/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/error.h"
#include "plugins/plugin_call.h"

namespace potluck {

namespace {

[[noreturn]] void fail_to_start(int error) {
  throw MachineError(
      fmt::format("a child process is needed, such as to try a plugin in, and none can be started: {}. Close other "
                  "programs, or raise the limits of this shell (ulimit -a)",
                  std::strerror(error)));
}

constexpr int kFarFromFiles = 240;

/// A plugin may neither speak in the host's place nor leave a core file or a process behind.
void set_apart() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGTRAP}) std::signal(signal, SIG_DFL);
  std::signal(SIGINT, SIG_IGN);  // the terminal sends it to the host as well, which decides
  const int nowhere = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, stream);
  std::atexit([] { _exit(0); });  // before every handler of the host, whose affairs the child must not end
}

/// Memory that a child shares with its parent.
class SharedNote {
 public:
  SharedNote() {
    void* const page = mmap(nullptr, sizeof(CallNote), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) fail_to_start(errno);
    note_ = new (page) CallNote{};
  }
  ~SharedNote() { munmap(note_, sizeof(CallNote)); }
  SharedNote(const SharedNote&) = delete;
  SharedNote& operator=(const SharedNote&) = delete;

  CallNote* operator->() const { return note_; }
  CallNote* get() const { return note_; }

 private:
  CallNote* note_;
};

/// Everything the child writes until it closes its end.
/// @return whether it did so before `patience` was over
bool listen(int from, std::chrono::milliseconds patience, std::string& heard) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd pipe = {from, POLLIN, 0};
    const int ready = poll(&pipe, 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    std::array<char, 4096> bytes;
    const ssize_t count = read(from, bytes.data(), bytes.size());
    if (count == 0) return true;
    if (count > 0) heard.append(bytes.data(), static_cast<size_t>(count));
  }
}

}  // namespace

void ChildReport::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

bool ChildReport::closed() const { return fcntl(descriptor_, F_GETFD) < 0; }

ChildEnd run_in_child_process(const std::function<void(const ChildReport&)>& work, std::chrono::milliseconds patience) {
  const SharedNote calls;
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_to_start(errno);
  const pid_t child = fork();
  if (child < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    fail_to_start(error);
  }
  if (child == 0) {
    close(ends[0]);
    set_apart();
    become_host();
    note_calls(calls.get());
    // Far from the numbers that a plugin may take for those of files that it opened.
    const int far = fcntl(ends[1], F_DUPFD_CLOEXEC, kFarFromFiles);
    const ChildReport report(far >= 0 ? far : ends[1]);
    if (far >= 0) close(ends[1]);
    [&]() noexcept { work(report); }();
    if (report.closed()) calls->report_closed = true;
    _exit(0);
  }
  close(ends[1]);
  ChildEnd end;
  end.in_time = listen(ends[0], patience, end.report);
  close(ends[0]);
  if (!end.in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (const char* call = calls->call) end.call = call;
  end.closed = calls->report_closed;
  return end;
}

std::string signal_text(int signal) { return fmt::format("signal {}, {}", signal, sigdescr_np(signal)); }

}  // namespace potluck
