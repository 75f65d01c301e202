// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/child.h"

#include <fmt/format.h>

#include <exception>

#include "plugins/child_process.h"

namespace potluck::conformance {

namespace {

constexpr const char* kDebugAdvice = "Run the model's call under a debugger, or build it with -fsanitize=address";

Finding guarded(const std::function<Finding()>& check) {
  try {
    return check();
  } catch (const FailedCheck& failure) {
    return failure.finding();
  } catch (const std::exception& error) {
    return failed(error.what(), "Every call of this check is one that a run or training makes too");
  } catch (...) {
    return failed("something was thrown that is no std::exception", "Let no exception leave the plugin");
  }
}

/// The outcome as one digit, the text, a null character, the advice, a null character.
std::string message_of(const Finding& found) {
  std::string message(1, static_cast<char>('0' + static_cast<int>(found.outcome)));
  return message + found.text + '\0' + found.advice + '\0';
}

/// " in evaluate"
std::string in_call(const ChildEnd& child) { return child.call.empty() ? "" : " in " + child.call; }

Finding finding_of(const ChildEnd& child) {
  const std::string& heard = child.report;
  const size_t middle = heard.find('\0');
  const size_t end = middle == std::string::npos ? middle : heard.find('\0', middle + 1);
  if (end != std::string::npos) {
    return {static_cast<CheckOutcome>(heard[0] - '0'), heard.substr(1, middle - 1),
            heard.substr(middle + 1, end - middle - 1)};
  }
  const std::string where = in_call(child);
  if (child.signal != 0)
    return failed(fmt::format("the model crashed{} ({})", where, signal_text(child.signal)), kDebugAdvice);
  if (child.closed)
    return failed("the model closed descriptors of the process, that of the report among them",
                  "A model closes what it opened itself, and nothing else");
  return failed("the model ended the process" + where, "A model returns a status and never exits");
}

}  // namespace

Finding run_in_child(const std::function<Finding()>& check, std::chrono::milliseconds patience) {
  const ChildEnd end =
      run_in_child_process([&](const ChildReport& host) { host.write(message_of(guarded(check))); }, patience);
  if (!end.in_time) {
    return failed(fmt::format("not done after {} s{}", static_cast<double>(patience.count()) / 1000, in_call(end)),
                  "Check a smaller shape, or see whether the model hangs");
  }
  return finding_of(end);
}

}  // namespace potluck::conformance
