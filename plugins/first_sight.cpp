// SPDX-License-Identifier: Apache-2.0
#include "plugins/first_sight.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "plugins/library.h"
#include "plugins/table.h"

namespace potluck {

namespace {

// What the child writes into the pipe: a letter as it enters each stage, and at its end one sign and a text.
constexpr char kOpening = 'o', kAsking = 'a', kReading = 'r';
constexpr char kFit = '+', kUnfit = '-', kPassing = '~', kThrew = '!', kLeft = '0';

int report_to = -1;  // the child's end of the pipe; the child has one thread of ours

void write_all(const char* text, size_t count) {
  while (count > 0) {
    const ssize_t written = write(report_to, text, count);
    if (written <= 0 && errno != EINTR) return;
    if (written <= 0) continue;
    text += written;
    count -= static_cast<size_t>(written);
  }
}

[[noreturn]] void report(char sign, const char* text) {
  write_all(&sign, 1);
  write_all(text, std::strlen(text));
  _exit(0);
}

void enter(char stage) { write_all(&stage, 1); }

/// An exception left a static initialiser, or a function that may not throw.
[[noreturn]] void report_terminate() {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      report(kThrew, error.what());
    } catch (...) {
      report(kThrew, "something that is no std::exception");
    }
  }
  report(kThrew, "std::terminate() was called");
}

/// The plugin must neither end the host's affairs (its exit handlers, its buffers) nor speak in its place.
void set_apart() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGTRAP}) std::signal(signal, SIG_DFL);
  std::signal(SIGINT, SIG_IGN);  // the terminal sends it to the host as well, which decides
  const int nowhere = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, stream);
  std::set_terminate(report_terminate);
  std::atexit([] { report(kLeft, ""); });  // runs before every handler of the host
}

[[noreturn]] void live_as_child(const std::filesystem::path& file, const PluginNote& note) {
  set_apart();
  try {
    enter(kOpening);
    PluginEntry* const entry = open_plugin(file);
    enter(kAsking);
    const potluck_plugin* const table = entry();
    enter(kReading);
    read_table(table);
    compare_with_note(*table, note);
    report(kFit, "");
  } catch (const LibraryError& error) {
    report(kPassing, error.what());
  } catch (const PluginError& error) {
    report(kUnfit, error.what());
  } catch (const std::exception& error) {
    report(kThrew, error.what());
  } catch (...) {
    report(kThrew, "something that is no std::exception");
  }
}

/// Everything the child writes until it closes its end, or nothing more after `patience`.
/// @return whether the child closed its end in time.
bool listen(int from, std::chrono::milliseconds patience, std::string& heard) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd pipe = {from, POLLIN, 0};
    const int ready = poll(&pipe, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    std::array<char, 4096> bytes;
    const ssize_t count = read(from, bytes.data(), bytes.size());
    if (count == 0) return true;
    if (count > 0) heard.append(bytes.data(), static_cast<size_t>(count));
  }
}

const char* in_words(char stage) {
  switch (stage) {
    case kAsking:
      return "while potluck_plugin_v1() was called";
    case kReading:
      return "while its table was read";
    default:
      return "while it was being opened";
  }
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

/// @param status  as of waitpid(); 0 where it could not be had
Verdict judge(const std::string& heard, int status) {
  size_t at = 0;
  char stage = kOpening;
  while (at < heard.size() && (heard[at] == kOpening || heard[at] == kAsking || heard[at] == kReading)) {
    stage = heard[at++];
  }
  const char sign = at < heard.size() ? heard[at] : '\0';
  const std::string text = one_line(at < heard.size() ? heard.substr(at + 1) : "");
  switch (sign) {
    case kFit:
      return {true, ""};
    case kUnfit:
      return {false, text};
    case kPassing:
      return {false, text, false};
    case kThrew:
      return {false, fmt::format("threw an exception {}: {}", in_words(stage), text)};
    default:
      break;
  }
  if (sign == '\0' && WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    // Killed from outside, for want of memory perhaps: that is not the file's doing.
    return {false, fmt::format("crashed {} (signal {}, {})", in_words(stage), signal, sigdescr_np(signal)),
            signal != SIGKILL && signal != SIGTERM};
  }
  return {false, fmt::format("ended the process {}", in_words(stage))};
}

}  // namespace

Verdict first_sight(const std::filesystem::path& file, const PluginNote& note, std::chrono::milliseconds patience) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw PluginError(fmt::format("cannot be tried in a child process: {}", std::strerror(errno)));
  }
  const pid_t child = fork();
  if (child < 0) {
    const std::string why = std::strerror(errno);
    close(ends[0]);
    close(ends[1]);
    throw PluginError(fmt::format("cannot be tried in a child process: {}", why));
  }
  if (child == 0) {
    close(ends[0]);
    report_to = ends[1];
    live_as_child(file, note);
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
    return {false, fmt::format("was not open after {} s", static_cast<double>(patience.count()) / 1000), false};
  }
  return judge(heard, status);
}

}  // namespace potluck
