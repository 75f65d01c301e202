// SPDX-License-Identifier: Apache-2.0
#include "apps/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace potluck {
namespace {

std::atomic<bool> asked_to_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

std::atomic<bool> announces{false};
constexpr char kAnswer[] = "\nStopping at the end of this block of steps. Once more ends at once.\n";

void handle(int) {
  asked_to_stop.store(true);
  // write() is among the few calls that a handler may make.
  if (announces.load() && write(STDERR_FILENO, kAnswer, sizeof kAnswer - 1) < 0) return;
}

}  // namespace

Interrupt::Interrupt(bool announce) {
  asked_to_stop.store(false);
  announces.store(announce);
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
