// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
#include "apps/terminal/text.h"

namespace potluck {
namespace {

std::string walls_text(const engine::Variable& variable) {
  if (!variable.transformed) return "reflected at the ends";
  const bool box = std::isfinite(variable.least) && std::isfinite(variable.most);
  return box ? "transformed to logit coordinates" : "transformed to log coordinates";
}

std::string support_text(const engine::Variable& variable) {
  if (variable.categories > 0) return fmt::format("one of {} categories", variable.categories);
  if (std::isinf(variable.least) && std::isinf(variable.most)) return "on the real line";
  return fmt::format("in [{}, {}], {}", variable.least, variable.most, walls_text(variable));
}

std::string given_text(const engine::Variable& variable) {
  if (variable.given == 0) return "drawn";
  if (variable.given == variable.size) return "given";
  return fmt::format("{} of {} numbers given", variable.given, variable.size);
}

void print_variables(const engine::Composition& composition) {
  std::vector<std::vector<std::string>> rows;
  for (const engine::Variable& variable : composition.variables())
    rows.push_back({variable.name, fmt::format("[{}]", fmt::join(variable.shape, ", ")), support_text(variable),
                    given_text(variable)});
  fmt::print("Variables\n{}\n", columns(rows));
}

void print_leaves(const engine::Composite& composite) {
  std::vector<std::vector<std::string>> rows;
  for (const engine::Leaf& leaf : composite.leaves())
    rows.push_back({leaf.name, leaf.model, plural(leaf.rows_a_chain, "row") + " a chain",
                    leaf.used == 1 ? "used once" : fmt::format("shared by {} places", leaf.used),
                    "weight " + leaf.weight});
  fmt::print("Evaluated in each step\n{}\n", columns(rows));
}

/// " and 500 that cool from T = 20", or where a given number moves " and 60 that anneal from T = 20, noise = 10".
std::string anneal_text(const engine::SampleSettings::Anneal& anneal) {
  if (anneal.levels == 0) return "";
  std::vector<std::string> numbers;
  if (anneal.temperature) numbers.push_back(fmt::format("T = {:g}", *anneal.temperature));
  for (const auto& [name, from] : anneal.given) numbers.push_back(fmt::format("{} = {:g}", name, from));
  std::string text = fmt::format(" and {} that {} from {}", anneal.levels * anneal.steps,
                                 anneal.given.empty() ? "cool" : "anneal", fmt::join(numbers, ", "));
  if (anneal.predictor) text += " with a predictor";
  return text;
}

/// "mala", or the blocks of a sweep: "a sweep: mala on z, then hmc on image".
std::string method_text(const engine::SampleSettings& sample) {
  if (sample.blocks.empty()) return sample.method;
  std::vector<std::string> blocks;
  for (const engine::SampleSettings::Block& block : sample.blocks)
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
  engine::Plugins plugins(plugin_options(line));
  const engine::Composite composite(composition_of(line, plugins), engine::Composite::Purpose::kLook);
  const engine::Composition& composition = composite.composition();
  const engine::SampleSettings sample = composition.sample();

  print_variables(composition);
  fmt::print("Target\n{}\n", composition.tree());
  print_leaves(composite);
  fmt::print("What is known\n");
  for (const std::string& fact : composite.explanation()) fmt::print("  {}\n", fact);
  fmt::print("\nSampling\n{}", columns({{"method", method_text(sample)},
                                        {"chains", std::to_string(sample.chains)},
                                        {"steps", fmt::format("{} after {} of warm-up{}, a draw every {}", sample.steps,
                                                              sample.warmup, anneal_text(sample.anneal), sample.thin)},
                                        {"start", composite.start()},
                                        {"device", composite.device()},
                                        {"temperature", fmt::format("{}", sample.temperature)},
                                        {"seed", std::to_string(sample.seed)}}));
  for (const std::string& warning : composite.warnings()) fmt::print("warning: {}\n", warning);
  return kDone;
}

}  // namespace potluck
