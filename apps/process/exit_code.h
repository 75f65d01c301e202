// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace potluck {

/// What the `potluck` command tells the shell.
enum ExitCode : int {
  kDone = 0,
  kUnexpected = 1,     ///< the machine refused something (disk, memory, threads, output), or a fault of Potluck itself
  kBadInput = 2,       ///< bad command or composition
  kModelFailed = 3,    ///< a plugin or model failed
  kNumbersFailed = 4,  ///< every chain frozen, no finite start
  kNotConverged = 5,   ///< the run ended before it converged as asked for
  kInterrupted = 130,  ///< Ctrl-C, SIGTERM or SIGHUP; what was drawn so far is usable
};

}  // namespace potluck
