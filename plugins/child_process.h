// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace potluck {

/// The child's way to its parent: a pipe that nothing else of the child writes to.
class ChildReport {
 public:
  explicit ChildReport(int descriptor) : descriptor_(descriptor) {}

  /// Returns once all of `text` is in the pipe, or the parent is gone, or the pipe is closed.
  void write(std::string_view text) const;
  /// Whether something closed the pipe: nothing can be written.
  bool closed() const;

 private:
  int descriptor_;
};

/// How a child ended, and all that it reported until then.
struct ChildEnd {
  std::string report;
  bool in_time = true;  ///< false: it was killed, as its patience was over
  int signal = 0;       ///< what ended it; 0 where it ended itself
  std::string call;     ///< of a plugin that it was in then, "evaluate"; empty: in none
  bool closed = false;  ///< it could not report any more: a plugin had closed the pipe that it reports through
};

/// Runs `work` in a child process and waits for its end, `patience` at most. What crashes, hangs or ends the process
/// there takes the child with it, not the host.
///
/// The child is apart from the host: its standard streams lead nowhere, signals have their default meaning, it leaves
/// no core file, dies with its parent and runs no exit handler of the host. An exception that leaves `work` is a crash.
/// Call it before worker threads are started, as the child is a fork (docs/decisions/0003-first-sight.md).
/// @throws MachineError where no child can be started.
ChildEnd run_in_child_process(const std::function<void(const ChildReport&)>& work, std::chrono::milliseconds patience);

/// "signal 11, Segmentation fault"
std::string signal_text(int signal);

}  // namespace potluck
