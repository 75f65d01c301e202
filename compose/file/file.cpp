// SPDX-License-Identifier: Apache-2.0
#include "compose/file/file.h"

#include <fmt/format.h>

#include <algorithm>

#include "compose/file/energies.h"
#include "compose/file/given.h"
#include "compose/file/included.h"
#include "compose/file/kept_sampler.h"
#include "compose/file/learn.h"
#include "compose/file/leaves.h"
#include "compose/file/points.h"
#include "compose/file/roles.h"
#include "compose/file/sample.h"
#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/keys.h"
#include "compose/tree/diagnostics.h"
#include "core/files/formats/array.h"
#include "core/finite_in.h"
#include "core/methods/block_errors.h"
#include "core/methods/label_blocks.h"
#include "core/sampling/run/option_errors.h"

namespace potluck {

namespace {

constexpr int64_t kRowsOfPoints = 4096;  ///< that are evaluated at once, as so many chains would be

void add_plugins(const Yaml& section, SourceFiles& files, ModelSource& models, Diagnostics& diagnostics) {
  if (!read_texts(section, "plugins", diagnostics)) return;
  std::vector<const Yaml*> all;
  if (section.is_scalar()) all.push_back(&section);
  for (const Yaml& item : section.list) all.push_back(&item);
  for (const Yaml* one : all) {
    try {
      models.add_place(files.resolve(*one), one->place.file, true);
    } catch (const MachineError&) {
      throw;
    } catch (const Error& error) {
      diagnostics.add(one->place, error.what());
    }
  }
}

void check_variables(const Composition& composition, const Scope& scope, Diagnostics& diagnostics) {
  const std::vector<uint8_t> used = variables_of(*composition.target, scope.variables);
  for (size_t v = 0; v < scope.variables.size(); ++v) {
    const Variable& variable = scope.variables[v];
    if (!used[v])
      diagnostics.add(scope.variable_places[v],
                      fmt::format("variable '{}' must be read by the target, got no energy in it "
                                  "that does. Bind it to an input, or remove it",
                                  variable.name));
  }
}

/// Where labels move and there are no blocks, makes those that draw them, or says why that cannot be.
std::vector<SettingError> add_label_blocks(const std::vector<Variable>& variables, Composition& composition) {
  SampleSettings& sample = composition.sample;
  try {
    std::vector<SettingError> errors = label_errors(run_options(sample), variables, composition.held);
    if (errors.empty() && sample.blocks.empty())
      sample.blocks = label_blocks(run_options(sample), variables, composition.held);
    return errors;
  } catch (const SettingError&) {
    return {};  // of the method alone: option_errors() says it
  }
}

/// Numbers that are given must be numbers of the run's precision.
std::vector<SettingError> given_errors(const std::vector<Variable>& variables, const std::vector<Held>& held,
                                       Precision precision) {
  std::vector<SettingError> errors;
  for (size_t v = 0; v < held.size(); ++v)
    for (size_t i = 0; i < held[v].mask.size(); ++i) {
      if (held[v].mask[i] == 0 || variables[v].categorical() || finite_in(precision, held[v].value[i])) continue;
      errors.emplace_back(
          "given",
          fmt::format(": {} must be a number of float32, got {:g}. Use precision: float64",
                      element_name(variables[v].name, variables[v].shape, static_cast<int64_t>(i)), held[v].value[i]));
      break;
    }
  return errors;
}

/// What follows from a mistake in the section is not reported: its keys would be judged beside presets.
/// @param known  which variables there are, and what is given of them
void read_sample_and_check(const Yaml* section, const Scope& scope, bool known, Composition& composition,
                           SourceFiles& files, Diagnostics& diagnostics) {
  const size_t before = diagnostics.size();
  composition.sample = read_sample(section, scope, composition.held, files, diagnostics);
  if (diagnostics.size() != before) return;
  std::vector<SettingError> errors;
  const auto add = [&errors](std::vector<SettingError> more) {
    for (SettingError& error : more) errors.push_back(std::move(error));
    return more.empty();
  };
  if (known) add(add_label_blocks(scope.variables, composition));
  const bool fits = add(option_errors(run_options(composition.sample), composition.sample.temperature));
  if (known) add(block_errors(composition.sample.blocks, scope.variables, composition.held));
  Schedule& anneal = composition.sample.anneal;
  if (composition.target && anneal.of_noise() && anneal.given.size() == 1)
    anneal.blurred = numbers_under_noise(*composition.target, scope.variables, anneal.given[0].variable);
  if (known && (composition.target || !anneal.of_noise()))
    add(schedule_errors(anneal, scope.variables, composition.held, composition.sample.precision));
  if (known) add(given_errors(scope.variables, composition.held, composition.sample.precision));
  if (known && fits) add(size_errors(run_options(composition.sample), scope.variables));
  for (const SettingError& error : errors) diagnostics.add(composition.places.at_place(error));
}

/// How chains move, where the file leaves it to the weights of the experts.
void take_sampler(const Scope& scope, Composition& composition, Yaml& root, Diagnostics& diagnostics) {
  if (!composition.target) return;
  for (std::string& warning : take_kept_sampler(*composition.target, scope, composition.held, root, diagnostics))
    composition.warnings.push_back(std::move(warning));
}

/// Reads the data, and lets go of what is not given in training.
void read_to_train(const Scope& scope, Composition& composition, Diagnostics& diagnostics) {
  if (!composition.learn) {
    diagnostics.add(
        {composition.file, 0, 0},
        "a composition must have a section 'learn' to be trained, got none. Add one with data, an objective "
        "and until");
    return;
  }
  LearnSettings& learn = *composition.learn;
  load_data(scope.variables, composition.sample.precision, learn, composition.files, diagnostics);
  composition.held_to_sample = composition.held;
  for (const int v : learn.data_variables()) composition.held[static_cast<size_t>(v)] = Held{};
  if (learn.noise) composition.held[static_cast<size_t>(*learn.noise)] = Held{};
}

/// It is not drawn from: whether that were possible does not matter.
void prepare_for_points(Composition& composition) {
  composition.only_evaluated = true;
  composition.integrable = true;
  composition.sample.chains = kRowsOfPoints;
}

}  // namespace

Composition read_composition(const std::filesystem::path& file, const Overrides& overrides, ModelSource& models,
                             ReadFor purpose) {
  Diagnostics diagnostics;
  SourceFiles files(diagnostics, overrides.folders, purpose == ReadFor::kTraining);
  const MainFile main = main_file(file, overrides.text, overrides.text_name);
  Yaml root = read_with_includes(main, overrides, files, diagnostics);
  take_out_for_points(overrides, root);
  root.map.reserve(root.map.size() + 1);  // for take_kept_sampler, while others point to what is there
  check_keys(root, Section::kFile, "a composition", diagnostics);

  Composition composition;
  composition.file = main.name;
  composition.piped = main.piped;
  if (const Yaml* plugins = root.find("plugins")) add_plugins(*plugins, files, models, diagnostics);
  Scope scope;
  if (const Yaml* variables = root.find("variables")) read_variables(*variables, scope, diagnostics);
  if (const Yaml* views = root.find("views")) read_views(*views, scope, diagnostics);

  if (root.find("learn")) files.let_weights_be_learned();
  LeafReader leaves(scope, models, files, diagnostics);
  EnergyBuilder energies(scope, root.find("energies"), leaves, diagnostics);
  if (const Yaml* target = root.find("target")) composition.target = energies.target(*target);
  composition.energies = energies.named();

  const size_t before_given = diagnostics.size();
  composition.held = read_given(root.find("given"), scope, files, diagnostics);
  const bool known = diagnostics.size() == before_given && scope.broken.empty() && !scope.incomplete;
  if (composition.target && scope.broken.empty()) check_variables(composition, scope, diagnostics);
  if (const Yaml* integrable = root.find("integrable"))
    composition.integrable = read_flag(*integrable, "integrable", diagnostics);
  composition.points = read_points(overrides, scope, files, diagnostics);
  if (known && overrides.at.empty()) take_sampler(scope, composition, root, diagnostics);
  composition.places = places_of(root);
  read_sample_and_check(root.find("sample"), scope, known, composition, files, diagnostics);
  const Yaml* learn = root.find("learn");
  if (learn && composition.target && scope.broken.empty())
    composition.learn = read_learn(*learn, scope, *composition.target, files, diagnostics);
  composition.output = read_output(root.find("output"), scope, composition.held, files, diagnostics);
  diagnostics.throw_if_any();
  if (purpose == ReadFor::kTraining) read_to_train(scope, composition, diagnostics);
  diagnostics.throw_if_any();

  if (!overrides.at.empty())
    prepare_for_points(composition);
  else if (std::all_of(composition.held.begin(), composition.held.end(), [](const Held& held) { return held.all(); }))
    composition.warnings.push_back("every variable is given: there is nothing left to draw");
  if (const std::string late = advice_on_time(composition.sample); !late.empty()) composition.warnings.push_back(late);
  if (composition.sample.anneal.cooling) composition.warnings.push_back(advice_on_cooling(composition.sample.anneal));
  composition.variables = std::move(scope.variables);
  composition.views = std::move(scope.views);
  composition.resolved = write_yaml(root, files.resolved());
  composition.files.merge(std::map<std::string, std::string>(files.hashes()));
  return composition;
}

}  // namespace potluck
