// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/frozen_chains.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/methods/label_blocks.h"

namespace potluck {

namespace {

constexpr int64_t kReportedFrozen = 100;

/// "expert 'critic' = inf, expert 'smooth' = 3.25"
std::string energies_text(const FrozenChain& chain, const std::vector<std::string>& experts) {
  std::string energies;
  for (size_t e = 0; e < chain.expert_energy.size(); ++e) {
    if (e > 0) energies += ", ";
    const double energy = chain.expert_energy[e];
    energies += fmt::format("expert '{}' = {:g}", experts[e], std::isnan(energy) ? std::fabs(energy) : energy);
  }
  // A state fails by its energy or by its gradient.
  if (std::all_of(chain.expert_energy.begin(), chain.expert_energy.end(), [](double e) { return std::isfinite(e); }))
    energies += ", with a gradient that is not finite";
  return energies;
}

/// ", at label = 3", ", at label = [0, 2, 1]": the labels that move; empty where none does.
std::string labels_text(const ChainsState& state, int64_t chain, const Target& target) {
  constexpr int64_t kMostTold = 8;
  const std::vector<Variable>& variables = target.energy->variables();
  std::string text;
  for (const int v : moving_labels(variables, target.held)) {
    const Variable& variable = variables[static_cast<size_t>(v)];
    const int64_t n = variable.size();
    std::vector<int64_t> labels(static_cast<size_t>(n));
    const size_t bytes = labels.size() * sizeof(int64_t);
    std::memcpy(labels.data(), state.position[static_cast<size_t>(v)].data() + static_cast<size_t>(chain) * bytes,
                bytes);
    labels.resize(static_cast<size_t>(std::min(n, kMostTold)));
    text += text.empty() ? ", at " : ", ";
    text += n == 1 ? fmt::format("{} = {}", variable.name, labels[0])
                   : fmt::format("{} = [{}{}]", variable.name, fmt::join(labels, ", "), n > kMostTold ? ", ..." : "");
  }
  return text;
}

/// " at level 3 of 30 of sample.anneal (temperature = 9, noise = 0.5)"; empty behind the last level.
std::string anneal_text(const Schedule& anneal, int64_t step, const Target& target) {
  if (!anneal.any() || step >= anneal.steps_in_all()) return "";
  const int64_t level = step / anneal.steps;
  std::string numbers;
  if (anneal.temperature)
    numbers += fmt::format(", temperature = {:g}", anneal.value(level, *anneal.temperature, target.temperature));
  for (const GivenNumber& number : anneal.given) {
    const auto v = static_cast<size_t>(number.variable);
    numbers += fmt::format(", {} = {:g}", target.energy->variables()[v].name,
                           anneal.value(level, number.from, target.held[v].value[0]));
  }
  return fmt::format(" at level {} of {} of {} ({})", level + 1, anneal.levels,
                     anneal.cooling ? "sample.cooling" : "sample.anneal", numbers.substr(2));
}

/// What may help. A state of step 0 is where the chain began, or one step further.
std::string advice_text(int64_t step, bool labels, bool annealed, double step_size) {
  std::vector<std::string> ways;
  if (step == 0 || step_size == 0) ways.emplace_back("let chains begin elsewhere (sample.start)");
  if (annealed) ways.emplace_back("let the numbers of anneal begin elsewhere (from)");
  if (labels && step_size > 0) ways.emplace_back("mend the expert, whose energies of all labels are asked for");
  if (step_size > 0) ways.push_back(fmt::format("lower step_size (now {:g})", step_size));
  // gibbs alone: it takes a label whose energy is not a number
  if (step_size == 0) ways.emplace_back("mend the expert: energies of all labels are asked for");
  std::string text = ways[0];
  for (size_t i = 1; i < ways.size(); ++i) text += (i + 1 < ways.size() ? ", " : ", or ") + ways[i];
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

int64_t count_frozen(const RankChains& own) {
  return std::count(own.state().frozen.begin(), own.state().frozen.end(), uint8_t{1});
}

int64_t count_frozen_replicas(const RankChains& own) {
  int64_t count = 0;
  for (int64_t i = 0; i < own.count() && own.replicas() > 1; ++i) {
    for (int64_t rung = 1; rung < own.replicas(); ++rung) count += own.rows().frozen[own.row(i) + rung];
  }
  return count;
}

std::vector<FrozenChain> frozen_chains(const RankChains& own, const std::vector<int64_t>& ids, size_t experts) {
  std::vector<FrozenChain> frozen;
  const ChainsState& state = own.state();
  for (int64_t i = 0; i < own.count(); ++i) {
    if (!state.frozen[i]) continue;
    if (static_cast<int64_t>(frozen.size()) == kReportedFrozen) break;
    FrozenChain one{.chain = ids[own.row(i)] / own.replicas(), .step = state.frozen_step[i], .expert_energy = {}};
    for (size_t e = 0; e < experts; ++e) {
      one.expert_energy.push_back(state.expert_energy[static_cast<int64_t>(e) * own.count() + i]);
    }
    frozen.push_back(std::move(one));
  }
  return frozen;
}

void fail_where_all_frozen(const RankChains& own, const std::vector<int64_t>& ids, const Target& target,
                           const Schedule& anneal, double step_size) {
  if (count_frozen(own) < own.count()) return;
  const std::vector<std::string>& experts = target.energy->experts();
  const FrozenChain first = frozen_chains(own, ids, experts.size()).front();
  const auto index = std::find(own.state().frozen.begin(), own.state().frozen.end(), uint8_t{1});
  const std::string labels = labels_text(own.state(), index - own.state().frozen.begin(), target);
  const std::string numbers = anneal_text(anneal, first.step, target);
  const std::string advice = advice_text(first.step, !labels.empty(), !numbers.empty(), step_size);
  throw NumericalError(fmt::format("step {}{}: all {} chains became non-finite (first: chain {}, {}{}). {}", first.step,
                                   numbers, own.count(), first.chain, energies_text(first, experts), labels, advice));
}

}  // namespace potluck
