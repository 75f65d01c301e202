// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/terminal/command.h"
#include "potluck/engine.h"

namespace potluck {

/// A command line that cannot be understood. Exit code 2.
class UsageError : public engine::Error {
 public:
  explicit UsageError(const std::string& text) : Error(Kind::kInput, text) {}
};

/// The words of `potluck`, cut into the command and what goes to it. Options of every command may stand before its
/// name; they are handed on.
struct SplitWords {
  bool help = false;     ///< --help before any command
  bool version = false;  ///< --version before any command
  std::string command;   ///< empty: none was given
  Words rest;
};
SplitWords split_command(const Words& all);

/// "unknown command 'smaple'. Did you mean 'sample'? Known: sample, check"
std::string unknown_name(const std::string& what, const std::string& wrong, const std::vector<std::string>& known);

/// An earlier command line, and the folder in which it was typed, as that folder is called now.
struct EarlierWords {
  Words words;  ///< behind `potluck COMMAND`
  std::filesystem::path folder;
};

/// What a word that may name a file means: relative paths are those of `folder`.
struct SaidWord {
  std::string text;
  std::filesystem::path folder;  ///< empty: that in which the present command is typed

  /// As a path.
  std::filesystem::path path() const { return folder / text; }
};

/// What a subcommand takes, and what it was given.
class CommandLine {
 public:
  /// @param name     "sample", "plugins inspect"
  /// @param operands names of the words that must be given: {"FILE"}
  /// @param about    a sentence or two for --help
  CommandLine(std::string name, std::vector<std::string> operands, std::string about);

  /// An option without a value.
  void add_flag(const std::string& name, const std::string& summary);
  /// An option with a value, to be given at most once.
  void add_value(const std::string& name, const std::string& value, const std::string& summary);
  /// An option with a value that may be repeated.
  void add_values(const std::string& name, const std::string& value, const std::string& summary);

  /// False where help was asked for, and printed. @throws UsageError
  bool parse(const Words& words);

  /// Where the option is given, the operands are left out, and so must be the options `without`.
  void let_replace_operands(const std::string& option, std::vector<std::string> without) {
    replaces_operands_ = option;
    gone_on_without_ = std::move(without);
  }
  /// Options and operands of earlier command lines hold where this one is silent; repeatable ones come first.
  /// @throws UsageError
  void go_on_from(const std::vector<EarlierWords>& earlier);

  const std::string& name() const { return name_; }
  const std::string& operand(size_t index) const { return operands_.at(index).text; }
  /// The operand as a path, of the command line that gave it.
  std::filesystem::path operand_path(size_t index) const { return operands_.at(index).path(); }
  bool flag(const std::string& name) const;
  /// Whether the present command line has the flag: for those that are about a command and not about what it makes.
  bool flag_of_this_line(const std::string& name) const;
  std::optional<std::string> value(const std::string& name) const;
  std::vector<std::string> values(const std::string& name) const;
  /// values(), each with the folder of the command line that gave it.
  std::vector<SaidWord> said(const std::string& name) const;
  /// Values of a repeatable option, cut at the first '='. @throws UsageError "--set must be KEY=VALUE, got 'steps'"
  std::vector<std::pair<std::string, std::string>> pairs(const std::string& name) const;

 private:
  using Given = boost::program_options::variables_map;
  Given parsed(const Words& words) const;
  /// @throws UsageError where an option stands in the place of another's value
  void check_values(const Words& words) const;
  std::vector<std::string> known_options() const;

  std::string name_, usage_, about_;
  std::vector<std::string> operand_names_;
  std::vector<SaidWord> operands_;
  boost::program_options::options_description options_;
  std::string replaces_operands_;
  std::vector<std::string> gone_on_without_;
  std::vector<Given> given_;                    ///< of each command line, the present one last
  std::vector<std::filesystem::path> folders_;  ///< of each but the present one
};

/// A subcommand with actions of its own (`plugins list`, `models describe`): runs the one named by the first word.
/// @throws UsageError naming the nearest action.
struct Action {
  const char* name;
  const char* takes;  ///< "NAME [--schema]"
  const char* summary;
  int (*run)(const Words& words);
};
int run_action(const std::string& command, const std::vector<Action>& actions, const Words& words);

}  // namespace potluck
