// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <string>

#include "apps/process/exit_code.h"
#include "apps/process/interrupt.h"
#include "apps/terminal/command.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
#include "apps/terminal/text.h"

namespace potluck {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

engine::Overrides asked_of(const CommandLine& line) {
  engine::Overrides asked = overrides_of(line);
  for (const SaidWord& one : line.said("at"))
    asked.folders[fmt::format("--at {}", one.text.substr(0, one.text.find('=')))] = one.folder;
  for (const auto& [name, text] : line.pairs("at")) {
    if (text.empty())
      throw UsageError(
          fmt::format("--at {} must be a file of rows, got nothing. Write --at {}=points.npy", name, name));
    asked.at.push_back({name, text});
  }
  if (asked.at.empty())
    throw UsageError("--at must name a file of rows, got none. Write --at NAME=points.npy for a variable NAME");
  // Its labels are tried in turn, whatever is given of it.
  if (const auto over = line.value("over")) asked.at.push_back({*over, "", "--over " + *over});
  return asked;
}

engine::FileEvaluationOptions options_of(const CommandLine& line) {
  engine::FileEvaluationOptions options;
  options.output = line.value("output").value_or("");
  if (options.output.empty())
    throw UsageError("--output must name the file of the scores, got none. Write --output scores.npz");
  options.overwrite = line.flag("overwrite");
  options.over = line.value("over").value_or("");
  options.experts = line.flag("experts");
  options.gradient = line.flag("gradient");
  if (options.gradient && !options.over.empty())
    throw UsageError(
        "--gradient must be given without --over, got both: a gradient is that of one label. Give the "
        "label: --given " +
        options.over + "=0");
  return options;
}

/// Shows how many rows are done.
class RowsReport {
 public:
  explicit RowsReport(ProgressReport& report) : report_(report) {}

  void show(int64_t done, int64_t rows) {
    const double rate = static_cast<double>(done) / std::max(seconds_since(begin_), 1e-9);
    const double left = static_cast<double>(rows - done) / rate;
    report_.show(fmt::format("evaluating {}/{} rows, {:.0f} rows/s, {} left", done, rows, rate, duration_text(left)),
                 static_cast<double>(done) / static_cast<double>(rows), done == rows);
  }

 private:
  ProgressReport& report_;
  Clock::time_point begin_ = Clock::now();
};

void print_outcome(const engine::FileEvaluation& found, const std::string& output, double seconds) {
  fmt::print("Evaluated {} in {}: {}.", plural(found.rows, "row"), duration_text(seconds), output);
  if (!std::isnan(found.least)) fmt::print(" Energies from {:.6g} to {:.6g}.", found.least, found.most);
  if (found.impossible > 0) fmt::print(" {} of density zero (+infinity).", found.impossible);
  fmt::print("\n");
}

}  // namespace

int evaluate_command(const Words& words) {
  const Clock::time_point begin = Clock::now();
  CommandLine line("evaluate", {"FILE"},
                   "Evaluates the target of the composition in FILE at rows of data, and writes the energies to one\n"
                   "file. Nothing is drawn, and the target need not be integrable. Variables that --at names have the\n"
                   "numbers of their rows, whatever the file gives; of its `sample`, only precision and temperature\n"
                   "are used. Ctrl-C ends the evaluation and leaves nothing.");
  add_session_options(line);
  line.add_values(
      "at", "NAME=ROWS",
      "the rows of a variable: --at image=test.npy, or with what `given` knows of files, --at "
      "'image={file: images.idx.gz, scale: 1/255}' and --at 'x={file: data.safetensors, array: x}'. Formats: "
      "npy, safetensors, IDX, png; integers need a scale. Other variables stand at what is given of them "
      "(repeatable)");
  line.add_value(
      "over", "NAME",
      "the energy of each row with every label of this variable, and p(label | all else) at the temperature");
  line.add_flag("experts", "the energy of each expert too, before weights");
  line.add_flag("gradient", "dE/dx of every variable that is not given whole, too");
  line.add_value("output", "OUT", "the file to write: OUT.npz, OUT.nc or OUT.csv");
  line.add_flag("overwrite", "replace OUT where it is there");
  line.add_flag("quiet", "print errors only");
  if (!line.parse(words)) return kDone;
  const engine::FileEvaluationOptions options = options_of(line);
  const engine::Overrides overrides = asked_of(line);
  engine::Plugins plugins(plugin_options(line));
  const auto style = line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);
  const bool loud = style != ProgressReport::Style::kQuiet;
  engine::Composite composite(read_composition(line, plugins, overrides, nullptr), engine::Composite::Purpose::kRun,
                              [loud](const std::string& text) {
                                if (loud) fmt::print(stderr, "{}\n", text);
                              });
  const Interrupt interrupt(/*announce=*/loud, "the rows that are under way");
  const engine::FileEvaluation found = [&] {
    ProgressReport progress(stderr, style);
    RowsReport report(progress);
    return engine::evaluate_files(
        composite, options, [&](int64_t done, int64_t rows) { report.show(done, rows); }, &interrupt.flag());
  }();
  if (found.interrupted) {
    if (loud) fmt::print(stderr, "Interrupted after {}: nothing was written\n", duration_text(seconds_since(begin)));
    return kInterrupted;
  }
  if (loud) print_outcome(found, options.output, seconds_since(begin));
  if (found.failed > 0)
    fmt::print(stderr, "warning: {} energies are no numbers: a model failed there (first: row {})\n", found.failed,
               found.first_failed);
  if (loud)
    for (const std::string& warning : composite.warnings()) fmt::print(stderr, "warning: {}\n", warning);
  return kDone;
}

}  // namespace potluck
