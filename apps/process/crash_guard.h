// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace potluck {

/// From here on, an end of the process inside a plugin's call is told: by exit() and its kin, by an exception that
/// nothing catches, by a crash, by a signal of a timer or another that only a plugin would send. What is said, on
/// stderr and as the last words of the run (engine::leave_last_words), names the plugin, its version, the model and the
/// call; the exit code is kModelFailed. A crash that no plugin is to blame for is told as well, and then goes its way.
///
/// Call it once, first thing in main(). Its handlers stay out of processes that are forked off this one.
void guard_against_crashes();

/// From here on only what was left for the end of the process is still to be done: a crash is told as one of that.
void note_work_is_done();

/// For `_exit()` and `_Exit()`, which the program defines itself so that those of plugins come here: tells of an end
/// inside a plugin's call, and ends the process. Signal-safe, as they are.
/// @param from  the address that it was called from: the program's own calls are its own affair
[[noreturn]] void end_process(int status, const char* function, const void* from) noexcept;

}  // namespace potluck
