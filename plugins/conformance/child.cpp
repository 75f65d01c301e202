// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "core/error.h"

namespace potluck::conformance {

namespace {

constexpr const char* kDebugAdvice = "Run the model's call under a debugger, or build it with -fsanitize=address";

void write_all(int to, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = write(to, text.data() + at, text.size() - at);
    if (written < 0 && errno != EINTR) return;
    if (written > 0) at += static_cast<size_t>(written);
  }
}

/// The model may neither speak in the report's place nor leave a core file or a process behind.
void set_apart() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGTRAP}) std::signal(signal, SIG_DFL);
  const int nowhere = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, stream);
}

Finding guarded(const std::function<Finding()>& check) {
  try {
    return check();
  } catch (const std::exception& error) {
    return failed(error.what(), "Every call of this check is one that a run makes too");
  } catch (...) {
    return failed("something was thrown that is no std::exception", "Let no exception leave the plugin");
  }
}

/// The outcome as one digit, the text, a null character, the advice, a null character.
[[noreturn]] void live_as_child(const std::function<Finding()>& check, int to) {
  set_apart();
  const Finding found = guarded(check);
  std::string message(1, static_cast<char>('0' + static_cast<int>(found.outcome)));
  message += found.text + '\0' + found.advice + '\0';
  write_all(to, message);
  _exit(0);
}

/// @return whether the child closed its end before `patience` was over
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

Finding finding_of(const std::string& heard, int status) {
  const size_t middle = heard.find('\0');
  const size_t end = middle == std::string::npos ? middle : heard.find('\0', middle + 1);
  if (end != std::string::npos) {
    return {static_cast<CheckOutcome>(heard[0] - '0'), heard.substr(1, middle - 1),
            heard.substr(middle + 1, end - middle - 1)};
  }
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return failed(fmt::format("the model crashed (signal {}, {})", signal, sigdescr_np(signal)), kDebugAdvice);
  }
  return failed("the model ended the process", "A model returns a status and never exits");
}

}  // namespace

Finding run_in_child(const std::function<Finding()>& check, std::chrono::milliseconds patience) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw PluginError(fmt::format("a model cannot be checked in a child process: {}", std::strerror(errno)));
  }
  const pid_t child = fork();
  if (child < 0) {
    const std::string why = std::strerror(errno);
    close(ends[0]);
    close(ends[1]);
    throw PluginError(fmt::format("a model cannot be checked in a child process: {}", why));
  }
  if (child == 0) {
    close(ends[0]);
    live_as_child(check, ends[1]);
  }
  close(ends[1]);
  std::string heard;
  const bool in_time = listen(ends[0], patience, heard);
  close(ends[0]);
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) {
    return failed(fmt::format("not done after {} s", static_cast<double>(patience.count()) / 1000),
                  "Check a smaller shape, or see whether the model hangs");
  }
  return finding_of(heard, status);
}

}  // namespace potluck::conformance
