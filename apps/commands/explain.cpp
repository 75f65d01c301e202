// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
#include "apps/terminal/text.h"
#include "apps/terminal/tree_text.h"

namespace potluck {
namespace {

std::string walls_text(const Variable& variable) {
  if (variable.walls == Walls::kReflect) return "reflected at the ends";
  const bool box = std::isfinite(variable.least) && std::isfinite(variable.most);
  return box ? "transformed to logit coordinates" : "transformed to log coordinates";
}

std::string support_text(const Variable& variable) {
  if (variable.categorical()) return fmt::format("one of {} categories", variable.categories);
  if (!variable.has_face()) return "on the real line";
  return fmt::format("in [{}, {}], {}", variable.least, variable.most, walls_text(variable));
}

std::string held_text(const Variable& variable, const Held& held) {
  if (!held.any()) return "drawn";
  if (held.all()) return "given";
  int64_t count = 0;
  for (const uint8_t coordinate : held.mask) count += coordinate != 0 ? 1 : 0;
  return fmt::format("{} of {} numbers given", count, variable.size());
}

void print_variables(const Composition& composition) {
  std::vector<std::vector<std::string>> rows;
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    rows.push_back({variable.name, fmt::format("[{}]", fmt::join(variable.shape, ", ")), support_text(variable),
                    held_text(variable, composition.held[v])});
  }
  fmt::print("Variables\n{}\n", columns(rows));
}

void print_plan(const Plan& plan) {
  std::vector<std::vector<std::string>> rows;
  for (const PlannedLeaf& leaf : plan.leaves())
    rows.push_back({leaf.name, leaf.model, counted(leaf.rows_a_chain, "row") + " a chain",
                    leaf.used == 1 ? "used once" : fmt::format("shared by {} places", leaf.used),
                    "weight " + leaf.weight});
  fmt::print("Evaluated in each step\n{}\n", columns(rows));
}

/// " and 500 that cool from T = 20"
std::string cooling_text(const SampleSettings& sample) {
  if (!sample.cooling.any()) return "";
  return fmt::format(" and {} that cool from T = {:g}", sample.cooling.steps, sample.cooling.from);
}

/// "mala", or the blocks of a sweep: "a sweep: mala on z, then hmc on image".
std::string method_text(const SampleSettings& sample) {
  if (sample.blocks.empty()) return sample.method;
  std::vector<std::string> blocks;
  for (const BlockOptions& block : sample.blocks)
    blocks.push_back(fmt::format("{} on {}", block.method, fmt::join(block.variables, ", ")));
  return fmt::format("a sweep: {}", fmt::join(blocks, ", then "));
}

}  // namespace

int explain_command(const Words& words) {
  CommandLine line("explain", {"FILE"},
                   "Says what the composition in FILE means: its tree, what a step evaluates, what is normalised and\n"
                   "integrable and why, the temperature and the start. Nothing is drawn.");
  add_session_options(line);
  if (!line.parse(words)) return kDone;
  PluginSearch plugins(plugin_search_options(line));
  Session session(session_options(line), plugins);
  session.prepare(Session::Purpose::kLook);
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;

  print_variables(composition);
  fmt::print("Target\n{}\n", tree_text(*composition.target));
  print_plan(session.plan());
  fmt::print("What is known\n");
  for (const std::string& fact : session.plan().explanation()) fmt::print("  {}\n", fact);
  fmt::print("\nSampling\n{}", columns({{"method", method_text(sample)},
                                        {"chains", std::to_string(sample.chains)},
                                        {"steps", fmt::format("{} after {} of warm-up{}, a draw every {}", sample.steps,
                                                              sample.warmup, cooling_text(sample), sample.thin)},
                                        {"start", session.start().description()},
                                        {"device", device_name(session.device())},
                                        {"temperature", fmt::format("{}", sample.temperature)},
                                        {"seed", std::to_string(sample.seed)}}));
  for (const std::string& warning : session.warnings()) fmt::print("warning: {}\n", warning);
  return kDone;
}

}  // namespace potluck
