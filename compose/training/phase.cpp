// SPDX-License-Identifier: Apache-2.0
#include "compose/training/phase.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "compose/file/roles.h"
#include "compose/training/composed_likelihood.h"
#include "compose/training/composed_noise.h"
#include "compose/tree/diagnostics.h"
#include "core/error.h"
#include "core/learning/contrastive_divergence.h"
#include "core/learning/denoising_score_matching.h"
#include "core/learning/label_cross_entropy.h"
#include "core/learning/likelihood_fit.h"
#include "core/learning/maximum_likelihood.h"
#include "core/learning/noise_contrastive.h"
#include "core/learning/objective_sum.h"
#include "plugins/optimisers.h"

namespace potluck {

namespace {

std::vector<LearnableArray> learned_arrays(const Learnable& learnable) {
  std::vector<LearnableArray> learned;
  for (const LearnableArray& array : learnable.arrays())
    if (array.learned) learned.push_back(array);
  return learned;
}

/// Continuous variables with data that the target draws. Others with data are what it is conditional on: they stay
/// clean.
std::vector<size_t> blurred_variables(const Composition& composition) {
  const Roles roles = roles_of(*composition.target, composition.variables);
  std::vector<size_t> blurred;
  for (const int variable : composition.learn->data_variables()) {
    const auto v = static_cast<size_t>(variable);
    const std::vector<uint8_t>& drawn = roles.drawn[v];
    if (!composition.variables[v].categorical() && std::find(drawn.begin(), drawn.end(), 1) != drawn.end())
      blurred.push_back(v);
  }
  return blurred;
}

/// The standard deviation of all blurred numbers about their means.
double scale_of(const Composition& composition, const std::vector<size_t>& blurred) {
  double squares = 0, numbers = 0;
  for (const size_t v : blurred) {
    const double scale = composition.learn->data->scale(static_cast<int>(v));
    const auto n = static_cast<double>(composition.variables[v].size());
    squares += n * scale * scale;
    numbers += n;
  }
  return std::sqrt(squares / numbers);
}

NoiseLaw noise_law(const NoiseSettings& asked, double scale, bool fixed) {
  NoiseLaw law = preset_noise_law(scale);
  if (fixed) law.log_sd = 0;
  law.log_mean = asked.log_mean.value_or(law.log_mean);
  law.log_sd = asked.log_sd.value_or(law.log_sd);
  law.least = asked.least.value_or(law.least);
  law.most = asked.most.value_or(law.most);
  return law;
}

/// "label_offset" and "garment.label_offset" name the array of that name.
bool names_array(const std::string& asked, const std::string& array) {
  return array == asked || array.ends_with("." + asked);
}

/// The noise of score matching: what the file leaves out follows from the data.
BlurOptions blur_of(const Composition& composition, const LearnPhase& asked, double scale) {
  BlurOptions blur;
  blur.blurred = blurred_variables(composition);
  blur.seed = composition.learn->seed;
  if (composition.learn->noise) blur.noise = static_cast<size_t>(*composition.learn->noise);
  blur.law = noise_law(asked.noise, scale, !blur.noise);
  return blur;
}

/// The standard deviation of data that are blurred. @throws CompositionError where they have none
double checked_scale(const Composition& composition, const LearnPhase& asked) {
  const std::vector<size_t> blurred = blurred_variables(composition);
  if (blurred.empty())
    throw CompositionError(
        {{asked.place, fmt::format("learn.data must have a variable of real numbers for {}, got none. Add one, or "
                                   "choose another objective",
                                   asked.objective)}});
  const double scale = scale_of(composition, blurred);
  if (!(scale > 0))
    throw CompositionError({{asked.place, "training data must differ from row to row, got rows that are all alike"}});
  return scale;
}

std::unique_ptr<Objective> denoising(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy) {
  const double scale = checked_scale(composition, asked);
  return std::make_unique<DenoisingScoreMatching>(energy, DenoisingOptions{blur_of(composition, asked, scale), scale});
}

std::unique_ptr<Objective> cross_entropy(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy) {
  std::vector<size_t> labels;
  for (const int v : composition.learn->data_variables())
    if (composition.variables[static_cast<size_t>(v)].categorical()) labels.push_back(static_cast<size_t>(v));
  if (labels.size() != 1 || composition.variables[labels[0]].size() != 1)
    throw CompositionError(
        {{asked.place, fmt::format("learn.data must have exactly one variable that is a label for "
                                   "label_cross_entropy, got {}. Choose another objective",
                                   labels.size() == 1 ? "one of several labels" : fmt::format("{}", labels.size()))}});
  LabelOptions options{labels[0], {}};
  if (composition.learn->noise || asked.noise.most)
    options.blur = blur_of(composition, asked, checked_scale(composition, asked));
  return std::make_unique<LabelCrossEntropy>(energy, options);
}

/// Negatives are drawn in place of data: all that moves must have some.
void check_data_of_negatives(const Composition& composition, const LearnPhase& asked,
                             const NegativeOptions& negatives) {
  const LearnSettings& learn = *composition.learn;
  for (size_t v = 0; v < composition.variables.size(); ++v)
    if (!learn.has_data(static_cast<int>(v)) && !negatives.held[v].all())
      throw CompositionError(
          {{asked.place, fmt::format("learn.data must have all variables that are not given for "
                                     "contrastive_divergence, got none for '{}'. Add data, or give it",
                                     composition.variables[v].name)}});
  const std::vector<size_t> drawn = blurred_variables(composition);
  for (const LearnedVariable& one : learn.files.variables) {
    const auto v = static_cast<size_t>(one.column.variable);
    const Variable& variable = composition.variables[v];
    if (!variable.categorical() && std::find(drawn.begin(), drawn.end(), v) == drawn.end())
      throw CompositionError({{asked.place, fmt::format("'{}' must be drawn by the target for contrastive_divergence, "
                                                        "got real numbers that it is conditional on. Train it by "
                                                        "denoising_score_matching",
                                                        variable.name)}});
    const bool kept =
        std::find(negatives.conditions.begin(), negatives.conditions.end(), v) != negatives.conditions.end();
    if (one.column.drop > 0 && !kept)
      throw CompositionError(
          {{asked.contrastive_place,
            fmt::format(
                "'{0}' must be among negatives.conditions, as its labels are dropped in some rows, got none. Add "
                "conditions: [{0}]",
                composition.variables[v].name)}});
  }
}

/// One level, by default the least: there what is learned is closest to the data. Nothing where data stay as they are.
std::optional<BlurOptions> blur_of_negatives(const Composition& composition, const LearnPhase& asked) {
  if (!composition.learn->noise && !asked.noise.least && !asked.negatives_noise) return std::nullopt;
  BlurOptions blur = blur_of(composition, asked, checked_scale(composition, asked));
  blur.law = one_level(asked.negatives_noise.value_or(blur.law.least));
  return blur;
}

std::unique_ptr<Objective> contrastive(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy) {
  ContrastiveOptions options = asked.contrastive;
  NegativeOptions& negatives = options.negatives;
  if (negatives.method.values.empty()) negatives.method = {"langevin", option_values("langevin"), {}};
  negatives.held = composition.held;
  negatives.held.resize(composition.variables.size());
  negatives.seed = composition.learn->seed;
  negatives.threads = energy.threads().workers();
  options.rows = asked.trainer.batch;
  if (const auto blur = blur_of_negatives(composition, asked)) {
    options.blur = *blur;
    if (blur->noise) negatives.held[*blur->noise] = {{1}, {blur->law.least}};
  }
  check_data_of_negatives(composition, asked, negatives);
  try {
    return std::make_unique<ContrastiveDivergence>(energy, std::move(options));
  } catch (const SettingError& error) {
    throw CompositionError({{asked.contrastive_place, error.what()}});
  }
}

/// Data as they are have no level of noise that a model could read.
std::unique_ptr<Objective> against_noise(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy) {
  if (const std::optional<int>& noise = composition.learn->noise)
    throw CompositionError(
        {{asked.place,
          fmt::format("the experts must read no level of noise for noise_contrastive, which learns the data "
                      "as they are, got '{}'. Leave that input out, or choose another objective",
                      composition.variables[static_cast<size_t>(*noise)].name)}});
  return std::make_unique<NoiseContrastive>(energy, composed_noise(composition, asked), asked.fits_log_z);
}

/// All rows at one level, a standard deviation below the middle of the law: there rows that were learned by heart show.
/// As they are where no model reads a level.
BlurOptions comparison_noise(const Composition& composition, const LearnPhase& asked) {
  if (!composition.learn->noise) return {};
  BlurOptions blur = blur_of(composition, asked, scale_of(composition, blurred_variables(composition)));
  const double level = std::clamp(std::exp(blur.law.log_mean - blur.law.log_sd), blur.law.least, blur.law.most);
  blur.law = one_level(level);
  return blur;
}

}  // namespace

std::optional<NoiseLaw> noise_of_data(const Composition& composition, const LearnPhase& asked) {
  if (asked.objective == "contrastive_divergence") {
    const auto blur = blur_of_negatives(composition, asked);
    return blur ? std::optional(blur->law) : std::nullopt;
  }
  const bool score_matching = asked.objective == "denoising_score_matching";
  const bool of_a_level = asked.objective != "noise_contrastive" && composition.learn->noise;
  if (!score_matching && !of_a_level) return std::nullopt;
  return blur_of(composition, asked, checked_scale(composition, asked)).law;
}

std::unique_ptr<Objective> make_objective(const Composition& composition, const LearnPhase& asked, Plan& plan,
                                          BatchEnergy& energy) {
  std::unique_ptr<Objective> objective;
  if (asked.objective == "denoising_score_matching") objective = denoising(composition, asked, energy);
  if (asked.objective == "label_cross_entropy") objective = cross_entropy(composition, asked, energy);
  if (asked.objective == "noise_contrastive") objective = against_noise(composition, asked, energy);
  if (asked.objective == "contrastive_divergence") objective = contrastive(composition, asked, energy);
  if (asked.objective == "maximum_likelihood")
    objective =
        std::make_unique<MaximumLikelihood>(energy, composed_log_partition(composition, asked, plan, energy), "");
  if (!objective) throw CompositionError({{asked.place, fmt::format("unknown objective '{}'", asked.objective)}});
  if (asked.contrast == 0) return objective;
  if (asked.objective != "denoising_score_matching")
    throw CompositionError({{asked.place, fmt::format("contrast must stand beside denoising_score_matching, got {}. "
                                                      "Remove it",
                                                      asked.objective)}});
  return std::make_unique<ObjectiveSum>(std::move(objective), asked.contrast, contrastive(composition, asked, energy));
}

std::unique_ptr<LearnedPart> Phase::part_of(const LearnPhase& asked, Learnable& whole) {
  if (asked.parameters.empty()) return nullptr;
  std::vector<std::string> known;
  for (const LearnableArray& array : whole.arrays())
    if (array.learned) known.push_back(array.name);
  for (const std::string& name : asked.parameters)
    if (std::none_of(known.begin(), known.end(), [&](const std::string& one) { return names_array(name, one); }))
      throw CompositionError({{asked.parameters_place,
                               fmt::format("parameters must name arrays of the experts that are trained, got '{}'. "
                                           "{}",
                                           name, suggestion(name, known))}});
  return std::make_unique<LearnedPart>(whole, [&](const std::string& array) {
    return std::any_of(asked.parameters.begin(), asked.parameters.end(),
                       [&](const std::string& name) { return names_array(name, array); });
  });
}

/// Over all rows: in rounds where there are some and nothing else is asked for, else by L-BFGS.
void Phase::fit_likelihood(const Composition& composition, const LearnPhase& asked, Plan& plan, BatchEnergy& energy,
                           const std::filesystem::path& optimisers) {
  if (asked.contrast != 0)
    throw CompositionError({{asked.place,
                             "contrast must stand beside denoising_score_matching, got "
                             "maximum_likelihood. Remove it"}});
  std::unique_ptr<LogPartition> log_z = composed_log_partition(composition, asked, plan, energy);
  std::unique_ptr<LikelihoodRounds> rounds;
  if (!asked.optimiser_named && asked.parameters.empty()) rounds = composed_rounds(plan, energy);
  std::unique_ptr<Minimiser> minimiser;
  if (!rounds)
    minimiser = open_minimiser(optimisers)(learned_arrays(energy.learnable()), energy.learnable().energy().device());
  const char* how = !rounds ? " (L-BFGS)" : (rounds->closed_form() ? " (closed form)" : " (EM)");
  auto objective = std::make_unique<MaximumLikelihood>(energy, std::move(log_z), how);
  trainer_ = std::make_unique<LikelihoodFit>(
      energy, *composition.learn->data, *objective, std::move(rounds), std::move(minimiser),
      LikelihoodFit::Options{asked.trainer.budget, asked.tolerance}, composition.held);
  objective_ = std::move(objective);
}

Phase::Phase(const Composition& composition, const LearnPhase& asked, Plan& plan, BatchEnergy& energy,
             const std::filesystem::path& optimisers)
    : part_(part_of(asked, energy.learnable())),
      part_energy_(part_ ? std::make_unique<BatchEnergy>(*part_, energy.threads()) : nullptr) {
  const TrainingData& data = *composition.learn->data;
  BatchEnergy& own = part_energy_ ? *part_energy_ : energy;
  if (asked.takes_all_rows()) {
    fit_likelihood(composition, asked, plan, own, optimisers);
  } else {
    objective_ = make_objective(composition, asked, plan, own);
    optimiser_ = open_optimisers(optimisers)(asked.optimiser, learned_arrays(own.learnable()),
                                             own.learnable().energy().device());
    trainer_ = std::make_unique<Trainer>(own, data, *objective_, *optimiser_, asked.trainer, composition.held);
  }
  held_out_ = std::make_unique<HeldOutWatch>(energy, data, comparison_noise(composition, asked), composition.held);
}

}  // namespace potluck
