// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>

#include "apps/process/exit_code.h"
#include "apps/process/interrupt.h"
#include "apps/terminal/command.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/resume_options.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"

namespace potluck {
namespace {

constexpr const char* kAuroc = "auroc";
constexpr const char* kAurocError = "auroc_error";
constexpr double kStandardErrors = 4;  ///< from where on an AUROC is told to be off a half

engine::TrainingOptions options_of(const CommandLine& line, const Words& words) {
  engine::TrainingOptions options;
  options.folder = line.value("output").value_or("");
  if (line.flag("output") && options.folder.empty()) throw UsageError("--output must be a folder, got an empty text");
  options.overwrite = line.flag("overwrite");
  options.go_on = line.flag("continue");
  options.optimisers = optimisers_library();
  options.command = typed_command("train", words);
  options.environment = [](const char* name) -> const char* { return std::getenv(name); };
  return options;
}

engine::TrainingRun begun(const engine::Composition& composition, std::optional<engine::EarlierRun> earlier,
                          const engine::TrainingOptions& options) {
  if (earlier) return {composition, *std::move(earlier), options};
  return engine::TrainingRun(composition, options);
}

/// Of held-out rows.
std::optional<double> figure(const engine::TrainingReport& report, const std::string& name) {
  for (const auto& [known, value] : report.held_out)
    if (known == name) return value;
  return std::nullopt;
}

/// "phase 1/2, update 400, epoch 1, loss 0.312, held out 0.315, 21.4 updates/s, 8 min 20 s left"
std::string report_text(const engine::TrainingReport& report) {
  std::string text;
  if (report.phases > 1) text += fmt::format("phase {}/{}, ", report.phase + 1, report.phases);
  text += fmt::format("update {}, epoch {}", report.updates, report.epoch);
  for (const auto& [name, value] : report.figures) text += fmt::format(", {} {:.4g}", name, value);
  for (const auto& [name, value] : report.held_out)
    if (name != kAuroc && name != kAurocError) text += fmt::format(", held-out {} {:.4g}", name, value);
  if (const auto auroc = figure(report, kAuroc)) text += fmt::format(", held-out AUROC {:.3f}", *auroc);
  if (report.updates_a_second > 0) text += fmt::format(", {:.3g} updates/s", report.updates_a_second);
  if (report.sample_seconds && *report.sample_seconds > 0)
    text += fmt::format(", pictures {}", duration_text(*report.sample_seconds));
  if (report.seconds_left) text += fmt::format(", {} left", duration_text(*report.seconds_left));
  return text;
}

void print_how_to_go_on(const engine::TrainingRun& run) {
  fmt::print(stderr, "To go on from the last checkpoint: potluck train --resume {}\n", run.folder());
}

/// @param last  becomes the last report
engine::Trained trained(engine::TrainingRun& run, const Interrupt& interrupt, ProgressReport::Style style,
                        std::optional<engine::TrainingReport>& last) {
  try {
    ProgressReport progress(stderr, style);
    return run.run(
        [&](const engine::TrainingReport& report) {
          progress.show(report_text(report), report.used, report.used >= 1);
          last = report;
        },
        &interrupt.flag());
  } catch (const engine::Error& error) {
    // Where the numbers went astray they would again: the error says what else there is.
    if (run.left_checkpoint() && error.kind() != engine::Error::Kind::kNumbers) print_how_to_go_on(run);
    throw;
  } catch (const std::exception&) {
    if (run.left_checkpoint()) print_how_to_go_on(run);
    throw;
  }
}

void print_weights(const engine::Trained& result) {
  for (const std::string& file : result.weights) fmt::print("{}\n", file);
}

/// "Held-out rows look like training rows: AUROC 0.503 ± 0.013."
std::string held_out_text(double auroc, double error) {
  const std::string found = fmt::format("AUROC {:.3f} ± {:.3f}.", auroc, error);
  if (std::abs(auroc - 0.5) <= kStandardErrors * error) return "Held-out rows look like training rows: " + found;
  if (auroc > 0.5)
    return "Held-out rows have higher energies than training rows: " + found +
           " Training rows were learned by heart: train for less long, or on more of them.";
  return "Held-out rows have lower energies than training rows: " + found;
}

/// Tells how the training ended. Returns the exit code.
int report(const engine::TrainingRun& run, const engine::Trained& result,
           const std::optional<engine::TrainingReport>& last, bool loud) {
  if (result.interrupted) {
    if (loud) fmt::print("Interrupted. The weights so far:\n");
    print_weights(result);
    if (loud) print_how_to_go_on(run);
    return kInterrupted;
  }
  if (loud)
    fmt::print("Trained in {}: {} updates. Log and weights are in {}. The weights:\n", duration_text(result.seconds),
               result.updates, result.folder);
  print_weights(result);
  const auto auroc = last ? figure(*last, kAuroc) : std::nullopt, error = last ? figure(*last, kAurocError) : auroc;
  if (loud && auroc && error) fmt::print("{}\n", held_out_text(*auroc, *error));
  if (loud)
    for (const std::string& warning : run.warnings()) fmt::print(stderr, "warning: {}\n", warning);
  return kDone;
}

engine::Composition composition_to_train(const CommandLine& line, engine::Plugins& plugins,
                                         const engine::EarlierRun* earlier) {
  if (earlier) return read_composition(line, plugins, overrides_of(line), earlier);
  return engine::Composition::to_train(line.operand_path(0), plugins, overrides_of(line), machine_of(line));
}

int train(CommandLine& line, const Words& words) {
  if (line.flag("project") && !line.flag("resume"))
    throw UsageError("--project must be given with --resume, got it alone");
  std::optional<engine::EarlierRun> earlier;
  if (line.flag("resume")) {
    if (only_to_be_put_in_place(line, nullptr)) return kDone;
    earlier.emplace(earlier_run(line, engine::EarlierRun::Kind::kTraining, nullptr));
  }
  const auto style = line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);
  const bool loud = style != ProgressReport::Style::kQuiet;
  engine::Plugins plugins(plugin_options(line));
  const engine::Composition composition = composition_to_train(line, plugins, earlier ? &*earlier : nullptr);
  const engine::TrainingOptions options = options_of(line, words);
  const Interrupt interrupt(/*announce=*/loud, "the update that is under way");
  engine::TrainingRun run = begun(composition, std::move(earlier), options);
  std::optional<engine::TrainingReport> last;
  const engine::Trained result = trained(run, interrupt, style, last);
  return report(run, result, last, loud);
}

}  // namespace

int train_command(const Words& words) {
  CommandLine line(
      "train", {"FILE"},
      "Learns the parameters of the experts of the composition in FILE, as its section `learn` says, and\n"
      "writes them to the weights files that the experts name. Ctrl-C ends the training behind the update\n"
      "that is under way; --resume continues it.");
  add_session_options(line);
  line.add_value("output", "DIR",
                 "folder of checkpoints, training.csv and weights; default: that of the composition's runs, with "
                 "-training behind its name");
  line.add_flag("overwrite", "replace the training that is in the output folder, once the new one has ended");
  line.add_flag("continue", "begin from the weights that are there, which are replaced in the end");
  add_resume_options(line, "DIR");
  line.add_flag("quiet", "print the names of the weights and errors only");
  return line.parse(words) ? train(line, words) : kDone;
}

}  // namespace potluck
