// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_products.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "compose/record/folder_lock.h"
#include "core/diagnostics/convergence.h"
#include "core/diagnostics/verdict_thresholds.h"
#include "core/diagnostics/verdict_words.h"
#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/run/arviz_netcdf.h"
#include "core/files/run/draws_pass.h"
#include "core/files/run/portable_state.h"
#include "core/files/run/run_pictures.h"
#include "core/files/run/summary_netcdf.h"

namespace potluck {
namespace {

/// Calls `make`; notes where it fails. Returns whether it did not.
bool made(std::vector<NotMade>& not_made, const std::string& file, const std::function<void()>& make) {
  try {
    make();
    return true;
  } catch (const std::exception& error) {
    not_made.push_back({file, error.what(), std::current_exception()});
    return false;
  }
}

const std::string kNotSummarised = "the draws were not summarised: ";

RunVerdict no_summary(const std::string& why) {
  RunVerdict verdict;
  verdict.findings.push_back({.rule = "summary",
                              .weight = Finding::Weight::kStop,
                              .text = kNotSummarised + why,
                              .advice = "make the summary with `potluck export`"});
  return verdict;
}

size_t add_state(DrawsPass& pass, const std::filesystem::path& folder) {
  return pass.add([&folder](const DrawsSchema& schema, const DrawsEnd& end) {
    return portable_state(schema, end, folder / "state.safetensors");
  });
}

/// summary.json, of the summary and the verdict that is made of it.
void write_summary(const std::filesystem::path& folder, const RunFigures& run, RunProducts& products) {
  // Of all steps where they were counted, else of the draws.
  if (run.expert_shares.size() == products.summary.shares.size()) products.summary.shares = run.expert_shares;
  products.verdict = run_verdict(with_figures_of(products.summary, run));
  nlohmann::json all = to_json(products.summary);
  all["verdict"] = to_json(products.verdict);
  write_whole_file(folder / "summary.json", all.dump(2) + "\n");
}

}  // namespace

RunProducts make_run_products(const std::filesystem::path& folder, const std::vector<std::string>& pictures,
                              const RunFigures& run, const EndOfDraws& end,
                              const std::function<void(const std::string&)>& say) {
  // `potluck export` may look at a run that goes on: what is made of fewer draws must not land on what is made of more.
  const FolderLock alone = FolderLock::wait(draws_folder(folder));
  RunProducts products;
  std::vector<NotMade>& not_made = products.not_made;
  DrawsPass pass(folder, end());
  const size_t arviz = pass.add([&](const DrawsSchema& schema, const DrawsEnd& last) {
    return arviz_netcdf(schema, last, folder, folder / "draws.nc");
  });
  const size_t state = add_state(pass, folder);
  const size_t summary = pass.add([&](const DrawsSchema& schema, const DrawsEnd& last) {
    return draws_summary(schema, last, folder, {.mixtures = run.mixtures}, products.summary);
  });
  std::vector<size_t> drawn;
  for (const std::string& variable : pictures)
    drawn.push_back(pass.add([&](const DrawsSchema& schema, const DrawsEnd& last) {
      return pictures_of(schema, last, folder, variable, folder / "pictures");
    }));
  say("writing draws.nc");
  pass.read();
  made(not_made, "draws.nc", [&] { pass.finish(arviz); });
  made(not_made, "state.safetensors", [&] { pass.finish(state); });
  say("writing the summary");
  const bool summarised = made(not_made, "summary.json", [&] {
    pass.finish(summary);
    write_summary(folder, run, products);
  });
  if (summarised) made(not_made, "summary.nc", [&] { write_summary_netcdf(products.summary, folder / "summary.nc"); });
  if (!summarised) products.verdict = no_summary(not_made.back().why);
  if (!pictures.empty()) say("drawing pictures");
  for (size_t i = 0; i < pictures.size(); ++i)
    made(not_made, "pictures of " + pictures[i], [&] { pass.finish(drawn[i]); });
  return products;
}

RunProducts make_rank_products(const std::filesystem::path& folder, const std::optional<DrawsEnd>& end) {
  RunProducts products;
  DrawsPass pass(folder, end);
  const size_t state = add_state(pass, folder);
  pass.read();
  made(products.not_made, "state.safetensors", [&] { pass.finish(state); });
  if (end) {
    products.summary.draws = end->draws;
    products.summary.chains = static_cast<int64_t>(end->frozen.size());
  }
  return products;
}

void add_not_made(RunFacts& facts, const std::vector<NotMade>& not_made) {
  if (not_made.empty()) return;
  const std::string ended = facts.standing.why_stopped.value_or("");
  NotMadeFacts& missing = facts.not_made.emplace();
  missing.state = facts.standing.state;
  missing.why_stopped = ended;
  std::vector<std::string> names;
  for (const NotMade& one : not_made) {
    missing.files.emplace_back(one.file, one.why);
    names.push_back(one.file);
  }
  facts.standing.state = "failed";
  facts.standing.why_stopped = fmt::format("{}, but {} could not be made", ended, fmt::join(names, ", "));
}

void all_are_made(RunFacts& facts) {
  if (!facts.not_made) return;
  facts.standing.state = facts.not_made->state;
  facts.standing.why_stopped = facts.not_made->why_stopped;
  std::erase_if(facts.warnings, [](const std::string& one) { return one.starts_with(kNotSummarised); });
  facts.not_made.reset();
}

namespace {

std::string why_no_rhat(const DrawsSummary& summary) {
  constexpr int64_t kLeastDrawsForRhat = 4;
  int64_t numbers = 0;
  for (const VariableSummary& variable : summary.variables) numbers += static_cast<int64_t>(variable.numbers());
  if (numbers == 0) return "every number is given, and none is drawn";
  if (static_cast<int64_t>(summary.frozen.size()) == summary.chains) return "every chain froze";
  if (summary.draws < kLeastDrawsForRhat)
    return fmt::format("it needs {} draws a chain, got {}", kLeastDrawsForRhat, summary.draws);
  if (summary.unmoved_count > 0)
    return fmt::format("{} never moved ({})", counted(summary.unmoved_count, "number"), summary.unmoved.front());
  return summary.worst_rhat_at.empty() ? "nothing could be diagnosed"
                                       : summary.worst_rhat_at + " has draws that are no numbers";
}

}  // namespace

std::string convergence_text(const DrawsSummary& summary) {
  if (std::isnan(summary.worst_rhat)) return "R-hat has no value: " + why_no_rhat(summary);
  const std::string rhat = summary.worst_rhat > kMostRhatTold ? fmt::format("R-hat above {:g}", kMostRhatTold)
                                                              : fmt::format("R-hat at most {:.3f}", summary.worst_rhat);
  if (std::isnan(summary.least_ess))
    return fmt::format("{}, effective sample size unknown: it needs {} draws a chain, got {}", rhat, kLeastDrawsForEss,
                       summary.draws);
  return fmt::format("{}, effective sample size at least {:.0f}", rhat, summary.least_ess);
}

std::vector<std::string> branch_texts(const DrawsSummary& summary) {
  constexpr size_t kMostTold = 8;
  std::vector<std::string> texts;
  for (const BranchShare& branch : summary.branches) {
    if (texts.size() == kMostTold) break;
    std::string text = branch_text(branch);
    text[0] = 'B';
    if (!branch.unjudged.empty()) text += fmt::format(" (which need not agree: {})", branch.unjudged);
    texts.push_back(text + ".");
  }
  if (summary.branches.size() > texts.size())
    texts.push_back(fmt::format("{} more branches are in summary.json.", summary.branches.size() - texts.size()));
  return texts;
}

}  // namespace potluck
