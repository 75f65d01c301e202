// SPDX-License-Identifier: Apache-2.0
#include "core/methods/ebm_practice.h"

#include <fmt/format.h>

#include "core/error.h"

namespace potluck {

EbmPractice::EbmPractice(const Options& options) : options_(option_table().checked(options)) {}

const OptionTable<EbmPractice::Options>& EbmPractice::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step, {.name = "step",
                               .kind = SettingKind::kReal,
                               .preset = "10",
                               .least = kPositive,
                               .summary = "factor of the clipped gradient"}),
       option(&Options::noise, {.name = "noise",
                                .kind = SettingKind::kReal,
                                .preset = "0.005",
                                .least = 0,
                                .summary = "standard deviation of the noise of a step"}),
       option(&Options::clip, {.name = "clip",
                               .kind = SettingKind::kReal,
                               .preset = "0.01",
                               .least = 0,
                               .summary = "bound of every element of the gradient; inf: off"}),
       option(&Options::clamp,
              {.name = "clamp",
               .kind = SettingKind::kBool,
               .preset = "true",
               .summary = "true: put what leaves the support on its face, as published; false: reflect it"})});
  return table;
}

MethodDescription EbmPractice::describe() {
  return {.name = "ebm_practice",
          .summary =
              "the published recipe for image models: noisy descent on a clipped gradient, not a sample of "
              "exp(-E)",
          .reference = "Du & Mordatch 2019, Implicit Generation and Generalization Methods for Energy-Based Models",
          .exact = false,
          .whole = true,
          .own_temperature = true,
          .options = option_table().declared()};
}

const MethodDescription& EbmPractice::description() const { return method("ebm_practice"); }

void EbmPractice::check(const Target& target) const {
  Method::check(target);
  if (target.temperature != 1) {
    throw SettingError("sample.temperature",
                       fmt::format(" must be 1 with ebm_practice, got {:g}. Its temperature is noise^2 / (2 step): "
                                   "set those, or temper the energy",
                                   target.temperature));
  }
  for (const Variable& variable : target.energy->variables()) {
    if (!variable.has_face() || variable.walls != Walls::kTransform) continue;
    throw SettingError(
        "sample.method",
        fmt::format(
            " must be another than ebm_practice where a variable has walls: transform, got it with '{}'. The "
            "Jacobian of its coordinates is for a temperature that ebm_practice does not run at: use walls: reflect",
            variable.name));
  }
}

void EbmPractice::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.clipped_langevin(group, step, options_.step, options_.noise, options_.clip, options_.clamp);
    group.evaluate();
    kernels.freeze_failed(group, step);
  }
}

std::vector<std::string> EbmPractice::notes(const MethodCounts& counts) const {
  return {
      fmt::format("ebm_practice: where nothing is clipped it runs at T = noise^2 / (2 step) = {:.3g}, i.e. noisy "
                  "descent, not a sample of exp(-E); {:.1f} % of the gradient's elements were clipped",
                  options_.noise * options_.noise / (2 * options_.step), 100 * counts.clipped)};
}

}  // namespace potluck
