// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/time.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <locale>
#include <optional>
#include <string>
#include <vector>

#include "plugins/floating_point.h"

namespace potluck {

/// LibTorch's default type, which belongs to the whole process: nothing where there is no LibTorch in it. One model
/// that sets it would change what others compute.
class DefaultType {
 public:
  static std::optional<DefaultType> now();
  void restore() const;
  bool operator==(const DefaultType&) const = default;

 private:
  explicit DefaultType(uint16_t type) : type_(type) {}
  uint16_t type_;
};

/// Keeps LibTorch's default type from construction to destruction.
class DefaultTypeGuard {
 public:
  DefaultTypeGuard() : before_(DefaultType::now()) {}
  ~DefaultTypeGuard() {
    if (before_) before_->restore();
  }
  DefaultTypeGuard(const DefaultTypeGuard&) = delete;
  DefaultTypeGuard& operator=(const DefaultTypeGuard&) = delete;

 private:
  std::optional<DefaultType> before_;
};

/// What belongs to the whole process and decides what its code does, as it was when this was made: the working folder,
/// the mode of new files, the locale, the meaning of signals that steer or end a run, the calling thread's signal mask,
/// whether timers tick that send them, and LibTorch's default type.
///
/// Signals of faults (SIGSEGV, ...) are not among them: runtimes of other languages handle them for good reason.
class ProcessState {
 public:
  ProcessState();
  ~ProcessState();
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  /// Puts back what differs.
  /// @return its names, "the working folder"; empty where nothing does
  std::vector<std::string> restore() const;
  /// Only the mode of new files. From any thread.
  void restore_mode_of_files() const;
  /// Nothing differs.
  bool is_now() const;

 private:
  bool in_folder() const;
  bool has_locale() const;
  bool has_mask() const;

  static constexpr std::array kSignals = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,   SIGPIPE,
                                          SIGXFSZ, SIGCHLD, SIGALRM, SIGVTALRM, SIGPROF};
  static constexpr std::array kTimers = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

  int folder_;  ///< a descriptor; -1 where the folder cannot be opened
  mode_t umask_;
  std::string c_locale_;
  std::locale locale_;
  locale_t thread_locale_;
  std::array<struct sigaction, kSignals.size()> actions_;
  sigset_t mask_;
  std::array<bool, kTimers.size()> ticking_;
  std::optional<DefaultType> type_;
};

/// Puts the process's state back at the end of a call that happens once, such as the creation of a model, with the
/// floating-point mode.
class ProcessStateGuard {
 public:
  ProcessStateGuard() = default;
  ~ProcessStateGuard() { before_.restore(); }
  ProcessStateGuard(const ProcessStateGuard&) = delete;
  ProcessStateGuard& operator=(const ProcessStateGuard&) = delete;

 private:
  FloatingPointGuard mode_;
  ProcessState before_;
};

/// Descriptors that are open, and what stands behind them.
class OpenDescriptors {
 public:
  /// All that are open now.
  OpenDescriptors();
  /// Of `among` those that are open now.
  explicit OpenDescriptors(const std::vector<int>& among);

  /// Of them those that are closed by now, or lead to something else.
  std::vector<int> lost() const;

 private:
  struct Known {
    int descriptor;
    uint64_t device, file;
  };
  std::vector<Known> known_;
};

}  // namespace potluck
