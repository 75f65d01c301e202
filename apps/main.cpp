// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>

#include "apps/process/crash_guard.h"
#include "apps/process/exit_code.h"
#include "apps/process/own_stack.h"
#include "apps/process/standard_streams.h"
#include "apps/terminal/command.h"
#include "apps/terminal/command_line.h"
#include "apps/terminal/failure.h"
#include "potluck/engine.h"

namespace {

using potluck::Words;

/// What is left of a command's work where stdout takes nothing.
enum class Product { kFolder, kPrinted };

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const Words& words);
  Product product = Product::kPrinted;
};

constexpr std::array kCommands = {
    Command{"sample", "draw samples from a composition file", potluck::sample_command, Product::kFolder},
    Command{"train", "learn the parameters of a composition's experts", potluck::train_command, Product::kFolder},
    Command{"merge", "join the draws of processes that shared a run", potluck::merge_command, Product::kFolder},
    Command{"check", "report everything that is wrong with a composition file", potluck::check_command},
    Command{"explain", "say what a composition file means and what a step evaluates", potluck::explain_command},
    Command{"evaluate", "evaluate a composition's energy at rows of data", potluck::evaluate_command, Product::kFolder},
    Command{"compare", "say whether the draws of a run are of the law of data", potluck::compare_command},
    Command{"evidence", "estimate log Z of a composition's target", potluck::evidence_command},
    Command{"schema", "print the JSON Schema of the composition format", potluck::schema_command},
    Command{"export", "make draws.nc, summary and pictures of a run that was cut short", potluck::export_command,
            Product::kFolder},
    Command{"plugins", "list, inspect and check plugins, and show where they are looked for", potluck::plugins_command},
    Command{"models", "list and describe the models that plugins offer", potluck::models_command},
    Command{"methods", "list and describe the sampling methods", potluck::methods_command},
    Command{"doctor", "say whether this machine has what Potluck needs", potluck::doctor_command},
};

std::string help() {
  std::string text =
      "Potluck composes energy-based models and samples them.\n\n"
      "Usage: potluck COMMAND [options]\n\nCommands:\n";
  for (const Command& command : kCommands) text += fmt::format("  {:<9} {}\n", command.name, command.summary);
  return text +
         "\nOptions of every command:\n"
         "  --plugin FILE            a plugin, or a folder of plugins, searched before all other places (repeatable)\n"
         "  --allow-world-writable   accept plugins to which everybody may write\n"
         "  --help                   what a command does and takes\n"
         "  --version                the version of Potluck\n\n"
         "Plugins are looked for in --plugin, the composition's `plugins:`, POTLUCK_PLUGIN_PATH, the user's data "
         "folder\n"
         "and the installation, in this order.\n"
         "Exit codes: 0 done, 1 this machine refused something (a full disk, a limit on files, memory or threads, an "
         "output\nthat cannot be written) or Potluck is at fault, 2 bad command or composition, 3 plugin or model "
         "failed, 4 numbers\nfailed, 5 not converged as asked for, 130 interrupted (Ctrl-C, SIGTERM, SIGHUP) with "
         "everything drawn so far usable.\n";
}

/// Libraries end the process without words that anybody understands where it is gone.
void check_working_folder() {
  const std::unique_ptr<char, decltype(&std::free)> folder(getcwd(nullptr, 0), std::free);
  if (!folder)
    throw potluck::engine::Error(
        potluck::engine::Error::Kind::kMachine,
        fmt::format("the working folder must be one that is there, got '{}' for its name. Change to another (cd)",
                    std::strerror(errno)));
}

/// @param product  of the command that was found
int run(const Words& all, Product& product) {
  const potluck::SplitWords words = potluck::split_command(all);
  if (words.version) return fmt::print("potluck {}\n", potluck::engine::version()), potluck::kDone;
  if (words.help) return fmt::print("{}", help()), potluck::kDone;
  if (words.command.empty()) return fmt::print(stderr, "{}", help()), potluck::kBadInput;

  Words known;
  for (const Command& command : kCommands) {
    if (words.command == command.name) {
      product = command.product;
      check_working_folder();
      return command.run(words.rest);
    }
    known.push_back(command.name);
  }
  throw potluck::UsageError(potluck::unknown_name("command", words.command, known));
}

int run_and_report(const Words& all, Product& product) {
  try {
    return run(all, product);
  } catch (...) {
    return potluck::report_failure(std::current_exception());
  }
}

/// A command that is to print something, and could not, has not done what it was for.
int check_printed(int code, Product product) {
  const int failure = potluck::unprinted_output();
  if (failure == 0 || code != potluck::kDone || product != Product::kPrinted) return code;
  // A reader that ended, such as `head`, has what it wanted.
  if (failure != EPIPE)
    fmt::print(stderr,
               "potluck: error: the standard output must take what is printed, got '{}'. Print to another place\n",
               std::strerror(failure));
  return potluck::kUnexpected;
}

/// Libraries are initialised before main(), and what they throw there nothing can catch: a memory limit ends the
/// process as LibTorch is loaded. What is in .preinit_array runs before them.
void before_libraries() { std::set_terminate(potluck::end_with_words); }

}  // namespace

[[gnu::section(".preinit_array"), gnu::used]] static void (*const kBeforeLibraries)() = before_libraries;

int main(int count, char** words) {
  potluck::guard_standard_streams();
  potluck::guard_against_crashes();
  // A file that grows past a limit (ulimit -f) is then a write that fails.
  std::signal(SIGXFSZ, SIG_IGN);
  Product product = Product::kPrinted;
  const int code =
      potluck::run_on_enough_stack([&] { return run_and_report(Words(words + 1, words + count), product); });
  const int told = check_printed(code, product);
  potluck::note_work_is_done();
  return told;
}
