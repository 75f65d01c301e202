// SPDX-License-Identifier: Apache-2.0
#include "apps/process/interrupt.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "apps/process/exit_code.h"
#include "apps/process/last_words.h"

namespace potluck {
namespace {

std::atomic<bool> asked_to_stop{false}, asked_by_key{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

// Of the first signal, and of the first Ctrl-C; not touched while a handler is set.
std::string answer, answer_to_key;

// write() is among the few calls that a handler may make. A terminal that is gone changes nothing.
void say(const std::string& text) {
  if (!text.empty() && write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

void handle(int signal) {
  const int error = errno;
  const bool first = !asked_to_stop.exchange(true);
  if (signal == SIGINT) {
    if (asked_by_key.exchange(true)) {
      leave_last_words("cut short", "ended at once by a second Ctrl-C");
      _exit(kInterrupted);
    }
    say(answer_to_key);
  } else if (first) {
    say(answer);
  }
  errno = error;
}

void set(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

bool ignored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool takes_hangup = true;

}  // namespace

Interrupt::Interrupt(bool announce, const std::string& end) {
  asked_to_stop.store(false);
  asked_by_key.store(false);
  answer = announce ? "\nStopping at the end of " + end + ".\n" : "";
  answer_to_key = announce ? "\nStopping at the end of " + end + ". Another Ctrl-C ends at once.\n" : "";
  takes_hangup = !ignored(SIGHUP);
  set(SIGINT, handle);
  set(SIGTERM, handle);
  if (takes_hangup) set(SIGHUP, handle);
}

Interrupt::~Interrupt() {
  set(SIGINT, SIG_DFL);
  set(SIGTERM, SIG_DFL);
  if (takes_hangup) set(SIGHUP, SIG_DFL);
}

const std::atomic<bool>& Interrupt::flag() const { return asked_to_stop; }

}  // namespace potluck
