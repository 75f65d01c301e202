// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/command_line.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

constexpr int64_t kMost = 1000000;

engine::ComparisonOptions options_of(const CommandLine& line) {
  engine::ComparisonOptions options;
  const auto integer = [&line](const char* name, int64_t& value, int64_t least, int64_t most) {
    if (const auto word = line.value(name)) value = engine::parse_integer(*word, std::string("--") + name, least, most);
  };
  options.variable = line.value("variable").value_or("");
  integer("rows", options.rows, 20, 20000);
  integer("permutations", options.permutations, 19, 100000);
  integer("directions", options.directions, 1, 100000);
  int64_t seed = options.seed, threads = options.threads;
  integer("seed", seed, 0, (int64_t{1} << 32) - 1);
  integer("threads", threads, 1, kMost);
  options.seed = static_cast<uint32_t>(seed);
  options.threads = static_cast<int>(threads);
  options.features = line.value("features").value_or("");
  options.feature_library = features_library();
  options.output = line.value("output").value_or("");
  options.overwrite = line.flag("overwrite");
  options.gradients = !line.flag("no-gradients");
  return options;
}

std::string side_text(const engine::Comparison::Side& side) {
  if (!side.run) return fmt::format("{}: {} of {}", side.written, side.rows, plural(side.there, "row"));
  const std::string effective =
      side.effective ? fmt::format("effective sample size {:.0f}", *side.effective) : "too few to tell how they depend";
  return fmt::format("{}: {} of {} of '{}' ({}, {}; {} count as independent)", side.written, side.rows,
                     plural(side.there, "draw"), side.variable, plural(side.chains, "chain"), effective, side.usable);
}

std::string comparison_text(const engine::Comparison& found) {
  std::string text = side_text(found.first) + "\n" + side_text(found.second) + "\n\n";
  const auto number = [](const std::optional<double>& one) { return one ? fmt::format("{:.4g}", *one) : "-"; };
  std::vector<std::vector<std::string>> rows = {{"measure", "value", "level", "p", "p (Holm)", ""}};
  for (const engine::Comparison::Measure& one : found.measures)
    rows.push_back({one.title, number(one.value), number(one.level), number(one.p), number(one.adjusted), one.note});
  text += columns(rows) + "\n";
  for (const engine::Comparison::Missing& one : found.missing)
    text += fmt::format("Not measured: {}, as {}.\n", one.title, one.why);
  return text + found.sentence + "\n";
}

}  // namespace

int compare_command(const Words& words) {
  CommandLine line(
      "compare", {"RUN", "DATA"},
      "Says whether the draws of a run are of the law of data. RUN is the folder of a run, or a file of rows; DATA is "
      "a\n"
      "file of rows, or a second run. A file is a path (npy, safetensors, CSV, IDX, a folder of PNG images), or a map\n"
      "as `learn.data` has it: '{file: images.idx.gz, scale: 1/255}'. From each chain it takes as many draws\n"
      "as count as independent. The value of a measure is above its level by chance in 5 % of comparisons of one\n"
      "law. docs/comparing.md says what each measure means.");
  line.add_value("variable", "NAME", "the variable that is compared, where a run draws several");
  line.add_value("rows", "N", "at most as many rows of either side, 20 ... 20000; default 2000");
  line.add_value("permutations", "P", "relabellings of each test, 19 ... 100000; default 500");
  line.add_value("directions", "K", "of the sliced Wasserstein distance, 1 ... 100000; default 256");
  line.add_value("seed", "S", "of the choice of rows, permutations and directions; default 1");
  line.add_value("threads", "T", "default: as many as this process may use. Numbers do not depend on it");
  line.add_value(
      "features", "NETWORK",
      "a network in TorchScript, rows in and [rows, features] out: the Frechet distance of its features too");
  line.add_flag("no-gradients", "leave out the Stein discrepancies, which need the target of the run and its plugins");
  line.add_flag("json", "print everything as JSON");
  line.add_value("output", "OUT", "write what --json prints to the file OUT");
  line.add_flag("overwrite", "replace OUT where it is there");
  line.add_flag("quiet", "print errors and warnings only");
  if (!line.parse(words)) return kDone;
  const engine::ComparisonOptions options = options_of(line);
  engine::Plugins plugins(plugin_options(line));
  const engine::Comparison found = [&] {
    ProgressReport progress(stderr,
                            line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr));
    return engine::compare(line.operand(0), line.operand(1), options, &plugins,
                           [&](const std::string& what) { progress.show("measuring " + what, std::nan(""), false); });
  }();
  if (!line.flag("quiet")) fmt::print("{}", line.flag("json") ? found.json : comparison_text(found));
  for (const std::string& warning : found.warnings) fmt::print(stderr, "warning: {}\n", warning);
  return kDone;
}

}  // namespace potluck
