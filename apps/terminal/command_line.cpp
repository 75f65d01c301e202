// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>

#include "apps/process/exit_code.h"

namespace potluck {
namespace {

namespace options = boost::program_options;

constexpr const char* kOperands = "operands";

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

}  // namespace

std::string unknown_name(const std::string& what, const std::string& wrong, const std::vector<std::string>& known) {
  const std::string near = engine::nearest_name(wrong, known);
  return fmt::format("unknown {} '{}'. {}Known: {}", what, wrong,
                     near.empty() ? "" : fmt::format("Did you mean '{}'? ", near), joined(known));
}

SplitWords split_command(const Words& all) {
  SplitWords split;
  Words before;
  size_t at = 0;
  for (; at < all.size() && all[at].rfind('-', 0) == 0; ++at) {
    const std::string& word = all[at];
    if (word == "--help" || word == "-h") {
      split.help = true;
    } else if (word == "--version") {
      split.version = true;
    } else if (word == "--allow-world-writable" || word.rfind("--plugin=", 0) == 0) {
      before.push_back(word);
    } else if (word == "--plugin") {
      if (at + 1 == all.size()) throw UsageError("--plugin must be given a FILE, got nothing");
      before.push_back(word);
      before.push_back(all[++at]);
    } else {
      throw UsageError(unknown_name("option", word, {"--plugin", "--allow-world-writable", "--help", "--version"}) +
                       ". Options of a command stand behind its name");
    }
  }
  if (at < all.size()) {
    split.command = all[at];
    split.rest.assign(all.begin() + static_cast<std::ptrdiff_t>(at) + 1, all.end());
    split.rest.insert(split.rest.end(), before.begin(), before.end());
  }
  return split;
}

CommandLine::CommandLine(std::string name, std::vector<std::string> operands, std::string about)
    : name_(std::move(name)),
      usage_(fmt::format("{} {}{}[options]", name_, fmt::join(operands, " "), operands.empty() ? "" : " ")),
      about_(std::move(about)),
      operand_names_(std::move(operands)),
      options_("Options", /*line_length=*/100, /*min_description_length=*/60) {
  options_.add_options()("help,h", "print this text");
  add_values("plugin", "FILE", "a plugin, or a folder of plugins, searched before all other places (repeatable)");
  add_flag("allow-world-writable", "accept plugins to which everybody may write");
}

void CommandLine::add_flag(const std::string& name, const std::string& summary) {
  options_.add_options()(name.c_str(), summary.c_str());
}

void CommandLine::add_value(const std::string& name, const std::string& value, const std::string& summary) {
  options_.add_options()(name.c_str(), options::value<std::string>()->value_name(value), summary.c_str());
}

void CommandLine::add_values(const std::string& name, const std::string& value, const std::string& summary) {
  options_.add_options()(name.c_str(), options::value<std::vector<std::string>>()->composing()->value_name(value),
                         summary.c_str());
}

std::vector<std::string> CommandLine::known_options() const {
  std::vector<std::string> known;
  for (const auto& option : options_.options()) known.push_back("--" + option->long_name());
  return known;
}

CommandLine::Given CommandLine::parsed(const Words& words) const {
  options::options_description all;
  all.add(options_);
  all.add_options()(kOperands, options::value<std::vector<std::string>>()->composing());
  options::positional_options_description positions;
  positions.add(kOperands, -1);
  // Guessing would let a script depend on an abbreviation that a later option makes ambiguous.
  const int style = options::command_line_style::unix_style & ~options::command_line_style::allow_guessing;
  Given given;
  try {
    options::store(options::command_line_parser(words).options(all).positional(positions).style(style).run(), given);
    options::notify(given);
  } catch (const options::unknown_option& error) {
    throw UsageError(unknown_name("option", error.get_option_name(), known_options()));
  } catch (const options::error& error) {
    throw UsageError(fmt::format("{}. See `potluck {} --help`", error.what(), name_));
  }
  return given;
}

void CommandLine::check_values(const Words& words) const {
  const std::vector<std::string> known = known_options();
  for (size_t i = 0; i + 1 < words.size() && words[i] != "--"; ++i) {
    const auto is_named = [&](const std::string& option) { return words[i] == option; };
    const auto option = std::find_if(known.begin(), known.end(), is_named);
    if (option == known.end()) continue;
    const auto& semantic = options_.options()[static_cast<size_t>(option - known.begin())]->semantic();
    if (semantic->min_tokens() == 0) continue;
    const std::string& value = words[++i];
    const std::string name = value.substr(0, value.find('='));
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;
    throw UsageError(
        fmt::format("{0} must have a value, got the option {1}. Write {0}=./{2} for a file or folder of "
                    "that name",
                    *option, name, value));
  }
}

bool CommandLine::parse(const Words& words) {
  check_values(words);
  given_ = {parsed(words)};
  if (flag("help")) {
    fmt::print("Usage: potluck {}\n\n{}\n\n", usage_, about_);
    std::ostringstream listing;
    listing << options_;
    fmt::print("{}", listing.str());
    return false;
  }
  operands_ = said(kOperands);
  const bool replaced = !replaces_operands_.empty() && flag(replaces_operands_);
  if (replaced && !operands_.empty())
    throw UsageError(
        fmt::format("{} must be left out with --{}, got '{}'", operand_names_[0], replaces_operands_, operand(0)));
  if (replaced) {
    for (const std::string& option : gone_on_without_)
      if (flag(option))
        throw UsageError(
            fmt::format("--{0} must be left out with --{1}, which goes on in the folder that it names, got both. Leave "
                        "out --{0} to go on, or --{1} to begin anew",
                        option, replaces_operands_));
  }
  if (!replaced && operands_.size() < operand_names_.size())
    throw UsageError(fmt::format("{} must be given: potluck {}", operand_names_[operands_.size()], usage_));
  if (operands_.size() > operand_names_.size())
    throw UsageError(fmt::format("unexpected word '{}': potluck {}", operand(operand_names_.size()), usage_));
  return true;
}

void CommandLine::go_on_from(const std::vector<EarlierWords>& earlier) {
  for (size_t i = 0; i < earlier.size(); ++i) {
    given_.insert(given_.begin() + static_cast<std::ptrdiff_t>(i), parsed(earlier[i].words));
    folders_.insert(folders_.begin() + static_cast<std::ptrdiff_t>(i), earlier[i].folder);
  }
  operands_ = said(kOperands);
}

bool CommandLine::flag(const std::string& name) const {
  return std::any_of(given_.begin(), given_.end(), [&](const Given& one) { return one.count(name) > 0; });
}

bool CommandLine::flag_of_this_line(const std::string& name) const { return given_.back().count(name) > 0; }

std::optional<std::string> CommandLine::value(const std::string& name) const {
  for (auto one = given_.rbegin(); one != given_.rend(); ++one)
    if (one->count(name) > 0) return (*one)[name].as<std::string>();
  return std::nullopt;
}

std::vector<SaidWord> CommandLine::said(const std::string& name) const {
  std::vector<SaidWord> all;
  for (size_t i = 0; i < given_.size(); ++i) {
    if (given_[i].count(name) == 0) continue;
    for (const std::string& text : given_[i][name].as<std::vector<std::string>>())
      all.push_back({text, i < folders_.size() ? folders_[i] : std::filesystem::path()});
  }
  return all;
}

std::vector<std::string> CommandLine::values(const std::string& name) const {
  std::vector<std::string> all;
  for (const SaidWord& one : said(name)) all.push_back(one.text);
  return all;
}

std::vector<std::pair<std::string, std::string>> CommandLine::pairs(const std::string& name) const {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : values(name)) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError(fmt::format("--{} must be KEY=VALUE, got '{}'", name, text));
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

int run_action(const std::string& command, const std::vector<Action>& actions, const Words& words) {
  std::string usage = fmt::format("Usage: potluck {} ACTION\n\nActions:\n", command);
  std::vector<std::string> known;
  for (const Action& action : actions) {
    usage += fmt::format("  {:<26} {}\n", fmt::format("{} {}", action.name, action.takes), action.summary);
    known.push_back(action.name);
  }
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) return fmt::print("{}", usage), kDone;
  if (words.empty() || words[0][0] == '-')
    throw UsageError(fmt::format("`potluck {}` must be given an action, one of {}", command, joined(known)));
  for (const Action& action : actions)
    if (words[0] == action.name) return action.run(Words(words.begin() + 1, words.end()));
  throw UsageError(unknown_name("action of `potluck " + command + "`", words[0], known));
}

}  // namespace potluck
