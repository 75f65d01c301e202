// SPDX-License-Identifier: Apache-2.0
// A model without its optional inputs, each alone and all of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugins/conformance/checks.h"

namespace potluck::conformance {

namespace {

/// What a model owes the host however it is bound.
constexpr Finding (*kOwed[])(const Subject&) = {check_energies_are_numbers,
                                                check_inputs_are_untouched,
                                                check_memory_is_respected,
                                                check_calls_repeat,
                                                check_energy_alone_agrees,
                                                check_batch_sizes,
                                                check_gradient,
                                                check_weights_and_accumulation,
                                                check_quadratic_form,
                                                check_gaussian_part,
                                                check_parameter_memory,
                                                check_parameter_gradient,
                                                check_parameter_gradient_in_parts};

std::vector<std::set<std::string>> patterns(const Subject& subject) {
  std::vector<std::set<std::string>> all;
  std::set<std::string> every;
  for (size_t i = 0; i < subject.slots().size(); ++i) {
    const InputDescription& input = subject.kind().inputs[i];
    if (!input.optional || subject.slots()[i].left_out) continue;
    all.push_back({input.name});
    every.insert(input.name);
  }
  if (every.size() > 1) all.push_back(every);
  return all;
}

}  // namespace

Finding check_optional_inputs(const Subject& subject) {
  const std::vector<std::set<std::string>> all = patterns(subject);
  if (all.empty()) return not_applicable("the model has no optional input that is bound here");
  for (const std::set<std::string>& pattern : all) {
    ConformanceOptions options = subject.options();
    options.left_out.insert(pattern.begin(), pattern.end());
    const Subject without(subject.kind(), options);
    for (const auto check : kOwed) {
      const Finding found = check(without);
      if (found.outcome == CheckOutcome::kFailed)
        return failed(fmt::format("without {}: {}", fmt::join(pattern, ", "), found.text), found.advice);
    }
  }
  return passed(
      fmt::format("{} ways to leave inputs out: energies, gradients, memory and rows as with all of them", all.size()));
}

}  // namespace potluck::conformance
