// SPDX-License-Identifier: Apache-2.0
#include "apps/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace potluck {
namespace {

std::atomic<bool> asked_to_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

std::string answer;  // of the first signal; not touched while a handler is set

void handle(int) {
  asked_to_stop.store(true);
  // write() is among the few calls that a handler may make.
  if (!answer.empty() && write(STDERR_FILENO, answer.data(), answer.size()) < 0) return;
}

}  // namespace

Interrupt::Interrupt(bool announce, const std::string& end) {
  asked_to_stop.store(false);
  answer = announce ? "\nStopping at the end of " + end + ". Once more ends at once.\n" : "";
  struct sigaction action = {};
  action.sa_handler = handle;
  // Back to the default after the first: a second Ctrl-C kills.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

const std::atomic<bool>& Interrupt::flag() const { return asked_to_stop; }

}  // namespace potluck
