// SPDX-License-Identifier: Apache-2.0
#include "compose/file/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "apps/process/exit_code.h"
#include "apps/process/interrupt.h"
#include "apps/process/last_words.h"
#include "apps/process/process_keeper.h"
#include "apps/record/belonging.h"
#include "apps/record/earlier_run.h"
#include "apps/record/rehearsal.h"
#include "apps/record/run_folder.h"
#include "apps/record/run_products.h"
#include "apps/record/run_record.h"
#include "apps/terminal/command.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/rank_options.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
#include "apps/terminal/text.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/draws.h"
#include "core/files/run/picture.h"
#include "core/methods/method.h"
#include "core/sampling/run/until_rule.h"
#include "core/version.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// Appends every draw to the parts, while the chains move on.
class DrawsRecorder final : public Observer {
 public:
  explicit DrawsRecorder(DrawsWriter& writer) : writer_(writer) {}
  void record(const Draw& draw) override {
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
  if (const auto folder = line.value("output")) {
    if (folder->empty()) throw UsageError("--output must be a folder, got an empty text. Leave it out for runs/NAME");
    return *folder;
  }
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

/// Notes in run.json what is known before the end.
class BeginningRecorder final : public Observer {
 public:
  BeginningRecorder(const filesystem::path& folder, RunRecord& record, LastWords& last_words)
      : folder_(folder), record_(record), last_words_(last_words) {}
  void began(const Beginning& beginning) override {
    note_beginning(record_, beginning);
    write_record(folder_, record_);
    last_words_.renew(record_);
  }

 private:
  const filesystem::path folder_;
  RunRecord& record_;
  LastWords& last_words_;
};

/// Leaves checkpoints: each once the draws before it are on the disk.
class CheckpointRecorder final : public Observer {
 public:
  CheckpointRecorder(filesystem::path folder, nlohmann::json belonging, DrawsWriter& writer)
      : folder_(std::move(folder)), belonging_(std::move(belonging)), writer_(writer) {}
  void checkpointed(std::span<const std::byte> state, int64_t draws) override {
    writer_.sync();
    write_checkpoint(folder_, belonging_, draws, state);
  }

 private:
  filesystem::path folder_;
  nlohmann::json belonging_;
  DrawsWriter& writer_;
};

// The options of every session, and those that stand for keys of `sample`.
SessionOptions options_of(const CommandLine& line) {
  SessionOptions options = session_options(line);
  for (const auto& [key, value] : line.pairs("until"))
    options.overrides.set.push_back({"sample.until." + key, value, "--until " + key});
  if (const auto steps = line.value("checkpoint-every"))
    options.overrides.set.push_back({"sample.checkpoint_every", *steps, "--checkpoint-every"});
  return options;
}

// Null where nothing but steps ends the run.
std::unique_ptr<UntilRule> until_rule(const Session& session) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  if (!sample.until.any()) return nullptr;
  return session.placed([&] {
    return std::make_unique<UntilRule>(sample.until, composition.variables, composition.held, sample.precision,
                                       sample.chains);
  });
}

// Shows a rule the draws that an earlier process left, so that it goes on where it stood.
void replay(const filesystem::path& folder, const DrawsSchema& schema, UntilRule& rule) {
  DrawsReader reader(folder);
  int most = 0;
  for (const RecordedVariable& variable : schema.variables) most = std::max(most, variable.source);
  while (const Draw* there = reader.next()) {
    Draw draw = *there;
    draw.position.assign(static_cast<size_t>(most) + 1, nullptr);
    for (size_t v = 0; v < schema.variables.size(); ++v)
      draw.position[static_cast<size_t>(schema.variables[v].source)] = there->position[v];
    rule.drew(draw);
  }
  rule.resume();
}

DrawsSchema schema_of(const Session& session, const Rank& rank) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  DrawsSchema schema = draws_schema(composition.variables, composition.held);
  schema.experts = session.plan().experts();
  schema.chains = rank.count > 0 ? rank.count : sample.chains;
  schema.first_chain = rank.first;
  schema.superchain = sample.superchain;
  schema.precision = sample.precision;
  schema.temperature = sample.temperature;
  schema.method = make_method(run_options(sample))->description().name;
  schema.seed = sample.seed;
  schema.warmup = sample.warmup;
  schema.thin = sample.thin;
  schema.created_at = time_now();
  schema.version = kVersion;
  return schema;
}

void print_report(const RunSummary& run, const RunProducts& products, int64_t chains, double seconds,
                  const filesystem::path& folder, const std::vector<std::string>& warnings) {
  fmt::print("{} in {}: {} of {}, {} of {} at step size {:.3g}{}.\n", run.interrupted ? "Interrupted" : "Done",
             duration_text(seconds), counted(chains, "chain"), counted(run.draws, "draw"),
             counted(run.steps_done, "step"), run.method, run.step_size,
             run.exact_method ? fmt::format(", acceptance {:.2f}", run.acceptance) : "");
  fmt::print("Started from: {}. {}.\n", run.start, convergence_text(products.summary));
  for (const std::string& text : branch_texts(products.summary)) fmt::print("{}\n", text);
  if (run.stopped_by_rule) fmt::print("Stopped early: {}.\n", run.why_stopped);
  for (const BlockSummary& block : run.blocks)
    fmt::print("Block {}: {} at step size {:.3g}.\n", fmt::join(block.variables, ", "), block.method, block.step_size);
  for (const std::string& note : run.notes) fmt::print("{}.\n", note);
  fmt::print("{} in {}\n", run.draws > 0 ? "Draws, summary and pictures are" : "The record of the run is",
             folder.string());
  for (const std::string& warning : warnings) fmt::print("warning: {}\n", warning);
  fmt::print("{}\n", products.verdict.text());
}

void print_rank_report(const RunSummary& run, const Ranks& ranks, const DrawsSchema& schema, double seconds,
                       const filesystem::path& folder) {
  fmt::print("{} in {}: rank {} of {}, chains {} to {}, {}. `potluck merge {}` joins the ranks.\n",
             run.interrupted ? "Interrupted" : "Done", duration_text(seconds), ranks.rank, ranks.world,
             schema.first_chain, schema.first_chain + schema.chains - 1, counted(run.draws, "draw"),
             folder.parent_path().string());
}

// Of a run that was interrupted before its first draw.
void print_nothing_drawn(const RunSummary& run, double seconds, const RunFolder& folder,
                         const filesystem::path& wanted) {
  fmt::print("{} after {}, before the first draw: there is nothing to export. ",
             run.why_stopped == "interrupted" ? "Interrupted" : "Interrupted in the warm-up", duration_text(seconds));
  if (folder.replaces()) fmt::print("The run that is in {} stays as it was.\n", wanted.string());
  const std::string place = (folder.replaces() ? folder.path() : wanted).string();
  fmt::print("Its record and a checkpoint are in {0}; to go on: potluck sample --resume {0}\n", place);
}

/// Of a run that was to take the place of another and was interrupted: the older one has draws that this one has not.
void print_both_are_there(const RunFolder& folder, const filesystem::path& wanted, int64_t steps) {
  fmt::print(
      "The run that is in {0} stays as it was. To go on with the new one, and put it there at its end: potluck sample "
      "--resume {1}\nTo put it there as short as it is: potluck sample --resume {1} --set sample.steps={2}\n",
      wanted.string(), folder.path().string(), steps);
}

/// What an error leaves to go on from, or to export, is kept and named.
void keep_what_is_there(RunFolder& folder, RunRecord& record, bool drawn, const std::string& error) {
  const bool resumable = has_checkpoint(folder.path());
  if (!drawn && !resumable) return;
  folder.keep();
  fail_record(record, error);
  write_or_leave(folder.path(), record);
  if (drawn)
    fmt::print(stderr, "What was drawn before the error is in {}; `potluck export` makes draws.nc of it.\n",
               folder.path().string());
  if (resumable)
    fmt::print(stderr, "To go on from the last checkpoint: potluck sample --resume {}\n", folder.path().string());
}

/// How the files are made that could not be made where a run ended.
std::string how_to_make(const RunFolder& folder) {
  if (folder.replaces())
    return fmt::format(
        "All draws are in {0}, and the older run stays as it was. To make what is missing and put the new "
        "run in its place: potluck sample --resume {0}",
        folder.path().string());
  return fmt::format("All draws are in {0}. To make what is missing: potluck export {0}", folder.path().string());
}

int sample(CommandLine& line, const Words& words) {
  const auto begin = std::chrono::steady_clock::now();
  const bool quiet = line.flag("quiet");
  Ranks ranks = choose_ranks(line, [](const char* name) -> const char* { return std::getenv(name); });
  std::optional<EarlierRun> earlier;
  if (line.value("project") && !line.value("resume"))
    throw UsageError("--project must be given with --resume, got it alone");
  if (line.value("resume")) {
    if (only_to_be_put_in_place(line, &ranks)) return kDone;
    earlier.emplace(line, words, &ranks);
  }
  PluginSearch plugins(plugin_search_options(line));
  SessionOptions asked = options_of(line);
  if (earlier) asked.estimates = estimates_of(earlier->record());
  if (earlier) asked.overrides.text = piped_text(earlier->record());
  Session session(asked, plugins);
  session.prepare(Session::Purpose::kRun, [quiet](const std::string& text) {
    if (!quiet) fmt::print(stderr, "{}\n", text);
  });
  const Composition& composition = session.composition();
  const std::vector<std::string> pictures = pictured_variables(composition);
  const auto style = quiet ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);

  const Interrupt interrupt(/*announce=*/style != ProgressReport::Style::kQuiet, "the steps that are under way");
  const Rank rank = session.placed([&] { return chains_of_rank(ranks, session); });
  session.check_memory(rank.count > 0 ? rank.count : composition.sample.chains, /*draws=*/true);
  const std::unique_ptr<UntilRule> until = until_rule(session);
  filesystem::path output = output_folder(line, composition);
  if (ranks.several()) output = rank_folder(output, ranks.rank);
  const std::unique_ptr<RunFolder> place =
      earlier ? earlier->take_folder() : std::make_unique<RunFolder>(output, line.flag("overwrite"));
  RunFolder& folder = *place;
  Words command = {"potluck", "sample"};
  command.insert(command.end(), words.begin(), words.end());
  RunRecord record = open_record(session, command, pictures);
  note_folder(record, filesystem::current_path(), folder.path());
  if (ranks.several()) record["rank"] = {{"rank", ranks.rank}, {"world", ranks.world}};
  if (earlier) {
    earlier->carry_over(record);
    earlier->check_belonging(record, "start another run from its last positions: start: " +
                                         (earlier->path() / "state.safetensors").string());
    session.placed([&] { earlier->check_steps(record); });
    earlier->naming_its_checkpoint(
        [&] { session.check_checkpoint({.rank = rank, .until = nullptr, .checkpoint = earlier->checkpoint().state}); });
  }
  DrawsSchema schema = schema_of(session, rank);
  // The record first, so that what a kill leaves is known for a run. One that goes on is touched only once its draws
  // were found to be those of the checkpoint.
  if (!earlier) write_record(folder.path(), record);
  rehearse_run_products(folder.path(), schema, pictures);
  DrawsWriter writer = earlier ? DrawsWriter(folder.path(), schema, KeptDraws{earlier->checkpoint().draws})
                               : DrawsWriter(folder.path(), schema);
  if (earlier) {
    folder.clear_leftovers();
    write_record(folder.path(), record);
  }
  LastWords last_words(folder.path(), record);
  DrawsRecorder recorder(writer);
  BeginningRecorder beginning(folder.path(), record, last_words);
  CheckpointRecorder checkpoints(folder.path(), belonging_of(record), writer);
  if (earlier && until) replay(folder.path(), schema, *until);

  RunSummary run;
  RunProducts products;
  double seconds = 0;
  bool converged = true;
  ProcessKeeper keeper(session.models(), folder.path());
  try {
    ProgressReport progress(stderr, style);
    std::vector<Observer*> observers = {&recorder, &beginning, &checkpoints, &progress, &keeper};
    if (until) observers.push_back(until.get());
    Session::Part part{.rank = rank, .until = until.get(), .checkpoint = {}};
    if (earlier) part.checkpoint = earlier->checkpoint().state;
    run = keeper.watch([&] { return session.run(observers, interrupt.flag(), part); });
    writer.finish();
    close_record(record, run);
    if (until && until->asks_for_convergence()) converged = until->converged();
    if (run.stopped_by_rule) note_rule(record, composition.sample.until, !until->asks_for_convergence() || !converged);
    if (ranks.several()) {
      // What is made of all chains comes with `potluck merge`.
      if (run.draws > 0) products = make_rank_products(folder.path());
    } else {
      const RunFigures figures = figures_of(record);
      if (run.draws > 0) {
        products =
            make_run_products(folder.path(), pictures, figures, [&](const std::string& text) { progress.say(text); });
      } else {
        products.verdict = run_verdict(figures);
      }
      add_verdict(record, products.verdict);
    }
    add_not_made(record, products.not_made);
    if (until && until->asks_for_convergence())
      record["until"] = {{"reached", converged}, {"standing", until->standing()}, {"looked_at", until->scope()}};
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    record["seconds"]["in_all"] = seconds;
    write_record(folder.path(), record);
    last_words.withdraw();
  } catch (const std::exception& error) {
    keep_what_is_there(folder, record, recorder.count() > 0 || (earlier && earlier->checkpoint().draws > 0),
                       error.what());
    throw;
  }
  const bool loud = style != ProgressReport::Style::kQuiet;
  const filesystem::path wanted = earlier ? folder.wanted() : output;
  if (run.interrupted && run.draws == 0) {
    // Draws of an older run are worth more than the record of none.
    folder.keep();
    if (loud) print_nothing_drawn(run, seconds, folder, wanted);
    return kInterrupted;
  }
  if (!products.not_made.empty()) {
    folder.keep();
    return report_not_made(products.not_made, how_to_make(folder));
  }
  // What was interrupted is no match for a run that may have ended.
  const bool beside = run.interrupted && folder.replaces();
  if (beside)
    folder.keep();
  else
    folder.publish();
  if (loud && ranks.several())
    print_rank_report(run, ranks, schema, seconds, folder.path());
  else if (loud)
    print_report(run, products, composition.sample.chains, seconds, folder.path(), session.warnings());
  if (loud && beside) print_both_are_there(folder, wanted, run.draws * composition.sample.thin);
  if (run.interrupted) return kInterrupted;
  if (converged) return kDone;
  fmt::print(stderr,
             "potluck: convergence was asked for and not reached: {}; {} were looked at. To draw more: potluck sample "
             "--resume {} --set sample.steps={:.0f}\n",
             until->standing(), until->scope(), folder.path().string(),
             // The number that the verdict says, where it says one.
             products.verdict.steps.value_or(2 * static_cast<double>(run.steps_done)));
  return kNotConverged;
}

}  // namespace

int sample_command(const Words& words) {
  CommandLine line("sample", {"FILE"},
                   "Draws samples of the composition in FILE. Ctrl-C ends the run after the steps that are under way,\n"
                   "with everything drawn so far usable; --resume continues it. Draws depend on the composition and\n"
                   "the seed, not on the threads.");
  add_session_options(line);
  line.add_value("output", "DIR", "folder of the run; default: the composition's output.folder, else runs/NAME");
  line.add_flag("overwrite", "replace the run that is in the output folder, once the new one has ended");
  add_resume_options(line, "RUN");
  line.add_value("checkpoint-every", "N", "steps between checkpoints; the same as --set sample.checkpoint_every=N");
  line.add_values("until", "KEY=VALUE",
                  "end the run early: --until rhat=1.01, ess=400, mcse=.02, time=10min or steps=N (repeatable)");
  add_rank_options(line);
  line.add_flag("quiet", "print errors only");
  return line.parse(words) ? sample(line, words) : kDone;
}

}  // namespace potluck
