// SPDX-License-Identifier: Apache-2.0
// The program's own _exit() and _Exit(). A plugin's calls of them are bound to these, as the program comes first where
// symbols are looked for, and so cannot end a run without a word. The C library's own calls are not bound here.
#include "apps/process/crash_guard.h"

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): these are the C library's names.

[[noreturn, gnu::visibility("default")]] void _exit(int status);
[[noreturn, gnu::visibility("default")]] void _Exit(int status) noexcept;

void _exit(int status) { potluck::end_process(status, "_exit", __builtin_return_address(0)); }

void _Exit(int status) noexcept { potluck::end_process(status, "_Exit", __builtin_return_address(0)); }

// NOLINTEND(bugprone-reserved-identifier)
}  // extern "C"
