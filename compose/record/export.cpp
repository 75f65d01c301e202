// SPDX-License-Identifier: Apache-2.0
#include "compose/record/export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "compose/record/run_course.h"
#include "compose/record/run_folder.h"
#include "compose/record/run_record.h"
#include "core/error.h"
#include "core/files/formats/netcdf.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/draws.h"
#include "plugins/child_process.h"

namespace potluck {
namespace {

/// How many draws a draws.nc has; none where it is damaged. HDF5 crashes over some damages, so a child looks.
std::optional<int64_t> draws_in(const std::filesystem::path& file) {
  constexpr std::chrono::minutes kPatience{2};
  const ChildEnd end = run_in_child_process(
      [&](const ChildReport& report) {
        if (const auto length = netcdf_length(file, "posterior", "draw")) report.write(fmt::format("{}.", *length));
      },
      kPatience);
  int64_t draws = -1;
  const char *begin = end.report.data(), *last = begin + end.report.size();
  const auto [stop, failed] = std::from_chars(begin, last, draws);
  return failed == std::errc() && stop + 1 == last && draws >= 0 ? std::optional(draws) : std::nullopt;
}

/// @throws FileError where draws.nc has draws that can no longer be read: it is then worth more than a new one.
void check_not_fewer(const std::filesystem::path& folder, const RunFacts& facts, const DrawsEnd& end) {
  const std::filesystem::path file = folder / "draws.nc";
  if (!std::filesystem::exists(file)) return;
  const std::optional<int64_t> there = draws_in(file);
  const int64_t draws = end.draws;
  const int64_t noted = facts.end ? facts.end->draws : facts.exported_draws.value_or(0);
  if (draws >= there.value_or(noted) && (there || end.lost.empty())) return;
  if (!there)
    throw FileError(fmt::format(
        "{}: must be whole, or all draws of the run readable so that it can be made anew, got a damaged file "
        "and {} draws that can be read{}. It stays as it is; to export those, move it away first",
        file.string(), draws, end.lost.empty() ? "" : ": " + end.lost));
  throw FileError(
      fmt::format("{}: must have no more draws than can be read now to be made anew, got {} of {}{}. It "
                  "stays as it is; to export fewer, move it away first",
                  file.string(), *there, draws, end.lost.empty() ? "" : ": " + end.lost));
}

/// @throws FileError for a run without a single draw, with why, and what to do.
void check_for_draws(const std::filesystem::path& folder, const RunFacts& facts, const DrawsEnd& end) {
  if (end.draws > 0) return;
  std::string how;
  if (has_checkpoint(folder)) {
    how = fmt::format("To resume it: potluck sample --resume {}", folder.string());
  } else {
    std::vector<std::string> command = facts.command.words;
    const bool own = command.front() == "potluck";  // else it was begun by another program
    if (own && std::find(command.begin(), command.end(), "--overwrite") == command.end())
      command.push_back("--overwrite");
    how = fmt::format("To draw it again: {}", fmt::join(command, " "));
  }
  const std::string& state = facts.standing.state;
  std::string why = end.lost.empty() ? "it has no draws" : end.lost;
  if (state == "running" && end.lost.empty()) why = "it has no draws yet: it is in its warm-up, or was killed there";
  if (state == "interrupted") why = "it was interrupted before its first draw";
  if (facts.standing.why_stopped == "interrupted in the warm-up")
    why = "it was interrupted in its warm-up and had no draws yet";
  throw FileError(fmt::format("{}: there is nothing to export, as {}. {}", folder.string(), why, how));
}

/// Of a run that nobody goes on with: how it stands now that files were made of its draws.
void note_export(const std::filesystem::path& folder, RunFacts& facts, const RunProducts& products) {
  // A record that still says "running" is of a process that was killed, or that goes on.
  const std::string state = facts.standing.state;
  const bool cut_short = state == "running" || state == "cut short";
  const bool completes = facts.not_made && products.not_made.empty();
  if (cut_short) {
    facts.standing.state = "cut short";
    if (state == "running") facts.standing.why_stopped = "ended without a record; exported from its parts";
    note_exported(facts, products.summary.draws);
  }
  if (completes) all_are_made(facts);
  if (cut_short || completes) {
    note_verdict(facts, products.verdict);
    write_record(folder, facts);
  }
}

}  // namespace

ExportOutcome export_run(const std::filesystem::path& folder, const std::function<void(const std::string&)>& say) {
  // Null: a process goes on with the run. Its draws so far are read then, and its record and files are left to it.
  const std::unique_ptr<RunFolder> held = RunFolder::if_free(folder);
  RunFacts facts = read_record(folder);
  if (facts.annealing)
    throw FileError(fmt::format("{}: must be a run with draws, got an estimate of log Z, which goes to {}",
                                folder.string(), (folder / "evidence.json").string()));
  if (facts.training)
    throw FileError(fmt::format("{}: must be a run with draws, got a training, whose weights are in {}",
                                folder.string(), (folder / "weights").string()));
  const auto end = [&] {
    DrawsEnd found = find_end(folder);
    check_for_draws(folder, facts, found);
    check_not_fewer(folder, facts, found);
    if (held) held->clear_leftovers();
    return found;
  };
  ExportOutcome outcome{make_run_products(folder, facts.sampling->pictures, figures_of(facts), end, say), !held};
  if (held) note_export(folder, facts, outcome.products);
  return outcome;
}

}  // namespace potluck
