// SPDX-License-Identifier: Apache-2.0
#include "apps/process/interrupt.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "apps/process/exit_code.h"
#include "apps/process/standard_streams.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1, SIGUSR2};

std::atomic<bool> asked_to_stop{false}, asked_by_key{false}, over{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

// Of the first signal, and of the first Ctrl-C; not touched while a handler is set that reads them. Never destroyed, as
// handlers stay.
std::string& answer = *new std::string;
std::string& answer_to_key = *new std::string;

void say(const std::string& text) { write_to_errors(text.data(), text.size()); }

void handle(int signal) {
  const int error = errno;
  const bool first = !asked_to_stop.exchange(true);
  if (signal == SIGINT) {
    if (asked_by_key.exchange(true)) {
      engine::leave_last_words("cut short", "ended at once by a second Ctrl-C");
      _exit(kInterrupted);
    }
    if (!over) say(answer_to_key);
  } else if (first && !over) {
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

}  // namespace

Interrupt::Interrupt(bool announce, const std::string& end) {
  asked_to_stop.store(false);
  asked_by_key.store(false);
  over.store(true);
  answer = announce ? "\nStopping at the end of " + end + ".\n" : "";
  answer_to_key = announce ? "\nStopping at the end of " + end + ". Another Ctrl-C ends at once.\n" : "";
  over.store(false);
  for (const int signal : kSignals)
    // A Ctrl-C is asked for by somebody who is there.
    if (signal == SIGINT || signal == SIGTERM || !ignored(signal)) set(signal, handle);
}

Interrupt::~Interrupt() { over.store(true); }

const std::atomic<bool>& Interrupt::flag() const { return asked_to_stop; }

}  // namespace potluck
