// SPDX-License-Identifier: Apache-2.0
#include "plugins/first_sight.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>

#include "core/error.h"
#include "plugins/child_process.h"
#include "plugins/library.h"
#include "plugins/plain_text.h"
#include "plugins/table.h"

namespace potluck {

namespace {

// What the child writes into the pipe: a letter as it enters each stage, and at its end one sign and a text.
constexpr char kOpening = 'o', kAsking = 'a', kReading = 'r';
constexpr char kFit = '+', kUnfit = '-', kPassing = '~', kThrew = '!', kLeft = '0', kShort = '#';

// For the handlers, which take no argument. Set in the child, which has one thread of ours.
const ChildReport* to_host = nullptr;

void enter(char stage) { to_host->write({&stage, 1}); }

/// The child's last words. No exit handler of the host is run after them.
[[noreturn]] void report(char sign, std::string_view text) {
  to_host->write({&sign, 1});
  to_host->write(text);
  _exit(0);
}

/// An exception left a static initialiser, or a function that may not throw.
[[noreturn]] void report_terminate() {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      report(kShort, "");
    } catch (const std::exception& error) {
      report(kThrew, error.what());
    } catch (...) {
      report(kThrew, "something that is no std::exception");
    }
  }
  report(kThrew, "std::terminate() was called");
}

void try_in_child(const std::filesystem::path& file, const PluginNote& note, const ChildReport& host) {
  to_host = &host;
  std::set_terminate(report_terminate);
  std::atexit([] { report(kLeft, ""); });  // runs before every handler of the host
  try {
    enter(kOpening);
    PluginEntry* const entry = open_plugin(file);
    enter(kAsking);
    const potluck_plugin* const table = entry();
    enter(kReading);
    read_table(table);
    compare_with_note(*table, note);
    report(kFit, "");
  } catch (const MachineError& error) {
    report(kShort, error.what());
  } catch (const std::bad_alloc&) {
    report(kShort, "");
  } catch (const LibraryError& error) {
    report(kPassing, error.what());
  } catch (const PluginError& error) {
    report(kUnfit, error.what());
  } catch (const std::exception& error) {
    report(kThrew, error.what());
  } catch (...) {
    report(kThrew, "something that is no std::exception");
  }
}

const char* in_words(char stage) {
  switch (stage) {
    case kAsking:
      return "while potluck_plugin_v1() was called";
    case kReading:
      return "while its table was read";
    default:
      return "while it was being opened";
  }
}

Verdict judge(const ChildEnd& end) {
  const std::string& heard = end.report;
  size_t at = 0;
  char stage = kOpening;
  while (at < heard.size() && (heard[at] == kOpening || heard[at] == kAsking || heard[at] == kReading)) {
    stage = heard[at++];
  }
  const char sign = at < heard.size() ? heard[at] : '\0';
  const std::string text = plain_line(at < heard.size() ? heard.substr(at + 1) : "");
  switch (sign) {
    case kFit:
      return {true, ""};
    case kUnfit:
      return {false, text};
    case kPassing:
      return {false, text, false};
    case kShort:
      if (text.empty()) throw std::bad_alloc();
      throw MachineError(text);
    case kThrew:
      return {false, fmt::format("threw an exception {}: {}", in_words(stage), text)};
    default:
      break;
  }
  if (sign == '\0' && end.signal != 0) {
    // Killed from outside, for want of memory perhaps: that is not the file's doing.
    return {false, fmt::format("crashed {} ({})", in_words(stage), signal_text(end.signal)),
            end.signal != SIGKILL && end.signal != SIGTERM};
  }
  return {false, fmt::format("ended the process {}", in_words(stage))};
}

}  // namespace

Verdict first_sight(const std::filesystem::path& file, const PluginNote& note, std::chrono::milliseconds patience) {
  const ChildEnd end = run_in_child_process([&](const ChildReport& host) { try_in_child(file, note, host); }, patience);
  if (!end.in_time) {
    return {false, fmt::format("was not open after {} s", static_cast<double>(patience.count()) / 1000), false};
  }
  return judge(end);
}

}  // namespace potluck
