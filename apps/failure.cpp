// SPDX-License-Identifier: Apache-2.0
#include "apps/failure.h"

#include <fmt/format.h>

#include <cstdio>
#include <new>
#include <string_view>

#include "core/error.h"

namespace potluck {
namespace {

void print_error(std::string_view text) { fmt::print(stderr, "potluck: error: {}\n", text); }

void print_diagnostic(const Diagnostic& diagnostic) {
  const std::string where = to_string(diagnostic.where);
  if (diagnostic.where.line > 0)
    fmt::print(stderr, "{}: {}\n", where, diagnostic.text);
  else
    print_error(where.empty() ? diagnostic.text : where + ": " + diagnostic.text);
}

}  // namespace

ExitCode report_failure(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const CompositionError& error) {
    for (const Diagnostic& diagnostic : error.all()) print_diagnostic(diagnostic);
    return kBadInput;
  } catch (const PluginError& error) {
    print_error(error.what());
    return kModelFailed;
  } catch (const NumericalError& error) {
    print_error(error.what());
    return kNumbersFailed;
  } catch (const Error& error) {
    print_error(error.what());
    return kBadInput;
  } catch (const std::bad_alloc&) {
    print_error("this machine has not enough memory for the run. Use fewer chains (--set sample.chains=N)");
    return kUnexpected;
  } catch (const std::exception& error) {
    print_error(
        fmt::format("{}. This is a fault of Potluck or of the machine; `potluck doctor` may tell", error.what()));
    return kUnexpected;
  }
}

}  // namespace potluck
