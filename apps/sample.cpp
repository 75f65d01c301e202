// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "apps/command.h"
#include "apps/exit_code.h"
#include "apps/interrupt.h"
#include "apps/progress_report.h"
#include "apps/run_folder.h"
#include "apps/run_products.h"
#include "apps/run_record.h"
#include "apps/session.h"
#include "apps/text.h"
#include "core/files/draws.h"
#include "core/files/picture.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// Appends every draw to the parts.
class DrawsRecorder final : public Observer {
 public:
  explicit DrawsRecorder(DrawsWriter& writer) : writer_(writer) {}
  void drew(const Draw& draw) override {
    writer_.append(draw);
    ++count_;
  }
  int64_t count() const { return count_; }

 private:
  DrawsWriter& writer_;
  int64_t count_ = 0;
};

// --output, else the composition's folder, else runs/NAME of the composition.
filesystem::path output_folder(const CommandLine& line, const Composition& composition) {
  if (const auto folder = line.value("output")) return *folder;
  if (!composition.output.folder.empty()) return composition.output.folder;
  return filesystem::path("runs") / filesystem::path(composition.file).stem();
}

// The variables to be drawn as pictures: those of `output.pictures`, else all that are images and not given whole.
std::vector<std::string> pictured_variables(const Composition& composition) {
  if (!composition.output.pictures.empty()) return composition.output.pictures;
  std::vector<std::string> names;
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    if (!variable.categorical() && !composition.held[v].all() && image_layout(variable.shape))
      names.push_back(variable.name);
  }
  return names;
}

DrawsSchema schema_of(const Session& session) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  DrawsSchema schema = draws_schema(composition.variables, composition.held);
  schema.experts = session.plan().experts();
  schema.chains = sample.chains;
  schema.precision = sample.precision;
  schema.temperature = sample.temperature;
  schema.method = sample.method;
  schema.seed = sample.seed;
  schema.warmup = sample.warmup;
  schema.thin = sample.thin;
  schema.created_at = time_now();
  schema.version = POTLUCK_VERSION;
  return schema;
}

void print_report(const RunSummary& run, const RunProducts& products, int64_t chains, double seconds,
                  const filesystem::path& folder, const std::vector<std::string>& warnings) {
  fmt::print("{} in {}: {} of {}, {} of {} at step size {:.3g}{}.\n", run.interrupted ? "Interrupted" : "Done",
             duration_text(seconds), counted(chains, "chain"), counted(run.draws, "draw"),
             counted(run.steps_done, "step"), run.method, run.step_size,
             method(run.method).exact ? fmt::format(", acceptance {:.2f}", run.acceptance) : "");
  fmt::print("Started from: {}. {}.\n", run.start, convergence_text(products.summary));
  for (const std::string& note : run.notes) fmt::print("{}.\n", note);
  fmt::print("{} in {}\n", run.draws > 0 ? "Draws, summary and pictures are" : "The record of the run is",
             folder.string());
  for (const std::string& warning : warnings) fmt::print("warning: {}\n", warning);
  fmt::print("{}\n", products.verdict.text());
}

// Of a run that was interrupted before its first draw.
void print_nothing_drawn(const RunSummary& run, double seconds, const filesystem::path& folder, bool replaces) {
  fmt::print("{} after {}, before the first draw: there is nothing to export. ",
             run.why_stopped == "interrupted" ? "Interrupted" : "Interrupted in the warm-up", duration_text(seconds));
  if (replaces)
    fmt::print("The run that is in {} stays as it was.\n", folder.string());
  else
    fmt::print("The record of the run is in {}; to draw it again, add --overwrite.\n", folder.string());
}

int sample(const CommandLine& line, const Words& words) {
  const auto begin = std::chrono::steady_clock::now();
  PluginSearch plugins(line);
  Session session(session_options(line), plugins);
  session.prepare(Session::Purpose::kRun);
  const Composition& composition = session.composition();
  const std::vector<std::string> pictures = pictured_variables(composition);
  const auto style = line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);

  const Interrupt interrupt(/*announce=*/style != ProgressReport::Style::kQuiet);
  const filesystem::path output = output_folder(line, composition);
  RunFolder folder(output, line.flag("overwrite"));
  Words command = {"potluck", "sample"};
  command.insert(command.end(), words.begin(), words.end());
  RunRecord record = open_record(session, command, pictures);
  write_record(folder.path(), record);
  DrawsWriter writer(folder.path(), schema_of(session));
  DrawsRecorder recorder(writer);

  RunSummary run;
  RunProducts products;
  double seconds = 0;
  try {
    ProgressReport progress(stderr, style);
    Observer* const observers[] = {&recorder, &progress};
    run = session.run(observers, interrupt.flag());
    writer.finish();
    close_record(record, run);
    const RunFigures figures = figures_of(record);
    if (run.draws > 0) {
      products =
          write_run_products(folder.path(), pictures, figures, [&](const std::string& text) { progress.say(text); });
    } else {
      products.verdict = run_verdict(figures);
    }
    add_verdict(record, products.verdict);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    record["seconds"]["in_all"] = seconds;
    write_record(folder.path(), record);
  } catch (const std::exception& error) {
    if (recorder.count() > 0) {
      folder.keep();
      fail_record(record, error.what());
      write_record(folder.path(), record);
      fmt::print(stderr, "What was drawn before the error is in {}; `potluck export` makes draws.nc of it.\n",
                 folder.path().string());
    }
    throw;
  }
  const bool loud = style != ProgressReport::Style::kQuiet;
  if (run.interrupted && run.draws == 0) {
    // Draws of an older run are worth more than the record of none.
    if (loud) print_nothing_drawn(run, seconds, output, folder.replaces());
    if (!folder.replaces()) folder.publish();
    return kInterrupted;
  }
  folder.publish();
  if (loud) print_report(run, products, composition.sample.chains, seconds, folder.path(), session.warnings());
  return run.interrupted ? kInterrupted : kDone;
}

}  // namespace

int sample_command(const Words& words) {
  CommandLine line("sample", {"FILE"},
                   "Draws samples of the composition in FILE. Ctrl-C ends at the next block of steps with everything\n"
                   "drawn so far usable. Draws depend on the composition and the seed, not on the threads.");
  add_session_options(line);
  line.add_value("output", "DIR", "folder of the run; default: the composition's output.folder, else runs/NAME");
  line.add_flag("overwrite", "replace the run that is in the output folder, once the new one has ended");
  line.add_flag("quiet", "print errors only");
  return line.parse(words) ? sample(line, words) : kDone;
}

}  // namespace potluck
