// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/failure.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <new>
#include <string_view>
#include <utility>

#include "apps/process/standard_streams.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

void print_error(std::string_view text) { fmt::print(stderr, "potluck: error: {}\n", text); }

void print_fault(const engine::Fault& fault) {
  std::string where = fault.file;
  if (fault.line > 0) where += fmt::format(":{}", fault.line);
  if (fault.line > 0 && fault.column > 0) where += fmt::format(":{}", fault.column);
  if (fault.line > 0)
    fmt::print(stderr, "{}: {}\n", where, fault.text);
  else
    print_error(where.empty() ? fault.text : where + ": " + fault.text);
}

/// All that is wrong in a composition, or the one thing that is wrong.
void print_faults(const engine::Error& error) {
  for (const engine::Fault& fault : error.faults()) print_fault(fault);
  if (error.faults().empty()) print_error(error.what());
}

ExitCode exit_code_of(engine::Error::Kind kind) {
  switch (kind) {
    case engine::Error::Kind::kInput:
      return kBadInput;
    case engine::Error::Kind::kPlugin:
      return kModelFailed;
    case engine::Error::Kind::kNumbers:
      return kNumbersFailed;
    case engine::Error::Kind::kOutput:
    case engine::Error::Kind::kMachine:
      break;
  }
  return kUnexpected;
}

[[noreturn]] void end_with(const char* why) noexcept {
  // Not by way of stdio, which may not be there yet.
  for (const char* text : {"potluck: error: ", why, "\n"}) write_to_errors(text, std::strlen(text));
  engine::leave_last_words("failed", why);
  _exit(kUnexpected);
}

}  // namespace

ExitCode report_failure(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const engine::Error& error) {
    print_faults(error);
    return exit_code_of(error.kind());
  } catch (const std::bad_alloc&) {
    print_error(
        "this machine has not enough memory for the run, or its limits (ulimit -v, ulimit -d, a container's) leave too "
        "little. Raise them, or use fewer chains (--set sample.chains=N) and threads (--threads N)");
    return kUnexpected;
  } catch (const std::filesystem::filesystem_error& error) {
    print_error(fmt::format(
        "{}: must be within reach of this command, got '{}'. Check the name, and who may read and write there",
        error.path1().string(), error.code().message()));
    return kBadInput;
  } catch (const std::exception& error) {
    print_error(
        fmt::format("{}. This is a fault of Potluck or of the machine; `potluck doctor` may tell", error.what()));
    return kUnexpected;
  }
}

int report_not_made(const std::vector<engine::NotMade>& not_made, const std::string& how) {
  int code = 0;
  for (const engine::NotMade& one : not_made) {
    fmt::print(stderr, "potluck: {} could not be made; what is beside it was:\n", one.file);
    const int own = report_failure(one.error);
    if (code == 0) code = own;
  }
  fmt::print(stderr, "{}\n", how);
  return code;
}

void end_with_words() noexcept {
  constexpr const char* kMemory =
      "there is not enough memory for Potluck and its libraries. Raise the limits (ulimit -v, ulimit -d, a "
      "container's), "
      "or close other programs";
  // Of one that is thrown where nothing can catch it, by a static initialiser or in a thread of a library.
  const char* why = "an error that nothing catches, or no memory to tell it. `potluck doctor` may tell";
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      why = kMemory;
    } catch (const std::exception& error) {
      why = error.what();
    } catch (...) {
      // Of no type that has words.
    }
    end_with(why);  // while the exception, and so its words, is there
  }
  end_with(why);
}

}  // namespace potluck
