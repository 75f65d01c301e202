// SPDX-License-Identifier: Apache-2.0
// Most of what stands here runs in signal handlers, of a process in an unknown state: no memory is allocated, no lock
// is taken, and only calls are made that signal-safety(7) lists. What a handler needs is prepared beforehand.
#include "apps/process/crash_guard.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include "apps/process/exit_code.h"
#include "apps/process/standard_streams.h"
#include "potluck/engine.h"

// By the linker: where the program's own code is.
extern "C" const char __executable_start, etext;  // NOLINT(bugprone-reserved-identifier)

namespace potluck {

namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

/// Signals that end a process and that nothing in Potluck sends: of timers, of asynchronous input, and the rest.
constexpr std::array kStrangers = {SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGQUIT, SIGPWR, SIGSTKFLT};

pid_t host = 0;  // 0: nothing is guarded
std::array<struct sigaction, kCrashes.size()> actions_before;
std::terminate_handler terminate_before = nullptr;
std::atomic<pid_t> ender{0};  // the thread that ends the process
std::atomic<bool> work_is_done{false};

/// A text of fixed room, which a handler may make.
class FixedText {
 public:
  FixedText& operator<<(std::string_view text) {
    const size_t count = std::min(text.size(), text_.size() - 1 - size_);
    std::memcpy(text_.data() + size_, text.data(), count);
    size_ += count;
    return *this;
  }
  FixedText& operator<<(int64_t number) {
    std::array<char, 20> digits;
    size_t first = digits.size();
    uint64_t left = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    do digits[--first] = static_cast<char>('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0) *this << "-";
    return *this << std::string_view(digits.data() + first, digits.size() - first);
  }
  /// With a null character at its end.
  const char* text() const { return text_.data(); }

 private:
  std::array<char, 1024> text_{};
  size_t size_ = 0;
};

void print(const char* text) { write_to_errors(text, std::strlen(text)); }

/// Tells on stderr and in run.json.
void tell(const FixedText& why) {
  if (isatty(STDERR_FILENO) == 1) print("\n");  // behind a line of progress
  print("potluck: error: ");
  print(why.text());
  print("\n");
  if (engine::leave_last_words("failed", why.text()))
    print("What was drawn before that is in the folder of the run; `potluck export` makes draws.nc of it.\n");
}

[[noreturn]] void leave(int code) {
  for (;;) syscall(SYS_exit_group, code);
}

/// The first thread that gets here goes on; the process ends before another does. One that comes again fell over what
/// it was about to tell.
void be_the_one_who_ends() {
  pid_t nobody = 0;
  if (ender.compare_exchange_strong(nobody, gettid())) return;
  if (nobody == gettid()) leave(kModelFailed);
  for (;;) pause();
}

/// "model 'acme.ising' (acme.ising 1.2.0)"
void add_who(FixedText& text, const engine::PluginCall& call) {
  if (call.model != nullptr) {
    text << "model '" << call.model << "'";
  } else {
    text << "plugin '" << call.plugin << "'";
  }
  text << " (" << call.plugin << " " << call.version << ")";
}

struct Culprit {
  engine::PluginCall call;  ///< without a plugin: no plugin's
  bool elsewhere;           ///< in a thread that is not ours, while this call is under way in another

  bool found() const { return call.plugin != nullptr; }
};

Culprit culprit() {
  if (const engine::PluginCall call = engine::plugin_call_of_this_thread(); call.plugin != nullptr)
    return {call, false};
  if (engine::this_thread_calls_plugins() || gettid() == host) return {{}, false};
  return {engine::plugin_call_of_any_thread(), true};
}

/// Ends the process where a plugin asked for its end; returns where none did.
void end_if_a_plugin_did(int64_t status, const char* function) {
  const Culprit found = culprit();
  if (!found.found()) return;
  be_the_one_who_ends();
  FixedText why;
  add_who(why, found.call);
  why << " ended the process in " << found.call.call << ", by " << function << "(" << status << ")";
  if (found.elsewhere) why << " in a thread that it started";
  why << ". A model returns a status and never exits; `potluck plugins check` may tell more";
  tell(why);
  leave(kModelFailed);
}

void at_exit(int status, void*) {
  if (getpid() == host) end_if_a_plugin_did(status, "exit");
}

void at_quick_exit_() {
  if (getpid() == host) end_if_a_plugin_did(0, "quick_exit");
}

/// An exception that nothing catches: one that leaves a thread, or a function that may not throw.
[[noreturn]] void on_terminate() {
  const Culprit found = culprit();
  if (getpid() == host && found.found()) {
    be_the_one_who_ends();
    FixedText why;
    add_who(why, found.call);
    why << " let an exception out in " << found.call.call;
    if (found.elsewhere) why << ", in a thread that it started";
    if (const std::exception_ptr thrown = std::current_exception()) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        why << ": " << error.what();
      } catch (...) {
        why << ", one that is no std::exception";
      }
    }
    tell(why);
    leave(kModelFailed);
  }
  terminate_before();
  std::abort();
}

void restore_actions() {
  for (size_t i = 0; i < kCrashes.size(); ++i) sigaction(kCrashes[i], &actions_before[i], nullptr);
}

void on_crash(int signal) {
  const int error_before = errno;
  if (getpid() != host) {
    restore_actions();
    raise(signal);
    errno = error_before;
    return;
  }
  be_the_one_who_ends();
  const Culprit found = culprit();
  const char* const words = sigdescr_np(signal);
  FixedText why;
  if (found.found()) {
    add_who(why, found.call);
    why << " crashed in " << found.call.call << " (signal " << signal << ", " << (words != nullptr ? words : "") << ")";
    if (found.elsewhere) why << " in a thread that it started";
    why << ". `potluck plugins check` may tell more";
    tell(why);
    leave(kModelFailed);
  }
  if (work_is_done && engine::this_thread_calls_plugins()) {
    why << "crashed as the process ended (signal " << signal << ", " << (words != nullptr ? words : "")
        << "), in what a plugin or a library had left to be done then (atexit). What the command made is whole";
    tell(why);
    leave(kModelFailed);
  }
  why << "crashed outside the calls of plugins (signal " << signal << ", " << (words != nullptr ? words : "")
      << "). This is a fault of Potluck, or of a plugin that wrote where it must not; `potluck plugins check` may tell";
  tell(why);
  restore_actions();
  raise(signal);
}

/// Whether the signal came from this process: by raise(), or of a timer that something in it has set.
bool sent_here(const siginfo_t& about) {
  if (about.si_code == SI_USER || about.si_code == SI_TKILL || about.si_code == SI_QUEUE)
    return about.si_pid == getpid();
  return about.si_signo != SIGQUIT;  // a terminal sends that one
}

void on_stranger(int signal, siginfo_t* about, void*) {
  if (getpid() != host || !sent_here(*about)) {
    std::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  be_the_one_who_ends();
  const char* const words = sigdescr_np(signal);
  const Culprit found = culprit();
  FixedText why;
  if (found.found()) {
    add_who(why, found.call);
    why << " got signal " << signal << ", " << (words != nullptr ? words : "") << ", in " << found.call.call
        << ", which Potluck sends to nobody";
  } else {
    why << "signal " << signal << ", " << (words != nullptr ? words : "") << ", came, which Potluck sends to nobody";
  }
  why << ". A plugin sets no timer and raises no signal; `potluck plugins check` may tell more";
  tell(why);
  leave(kModelFailed);
}

/// Those that would end the process as things are: a profiler that came first keeps its own.
void guard_against_strangers() {
  struct sigaction action = {};
  action.sa_sigaction = on_stranger;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO | static_cast<int>(SA_NODEFER);
  sigemptyset(&action.sa_mask);
  for (const int signal : kStrangers) {
    struct sigaction now = {};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
  }
}

}  // namespace

void guard_against_crashes() {
  host = getpid();
  terminate_before = std::set_terminate(on_terminate);
  on_exit(at_exit, nullptr);
  std::at_quick_exit(at_quick_exit_);
  struct sigaction action = {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK | static_cast<int>(SA_NODEFER);
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kCrashes.size(); ++i) sigaction(kCrashes[i], &action, &actions_before[i]);
  guard_against_strangers();
}

void note_work_is_done() { work_is_done = true; }

void end_process(int status, const char* function, const void* from) noexcept {
  const bool our_own = from >= &__executable_start && from < &etext;
  if (!our_own && getpid() == host) end_if_a_plugin_did(status, function);
  leave(status);
}

}  // namespace potluck
