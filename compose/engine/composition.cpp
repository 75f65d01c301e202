// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "compose/engine/reading.h"
#include "compose/engine/state.h"
#include "compose/session/device.h"
#include "compose/tree/tree_text.h"
#include "core/backend/thread_pool.h"

namespace potluck::engine {
namespace {

potluck::Overrides overrides_of(const Overrides& from) {
  potluck::Overrides overrides;
  for (const Overrides::Setting& one : from.set) overrides.set.push_back({one.path, one.text, one.called});
  for (const Overrides::Given& one : from.given) overrides.given.emplace_back(one.name, one.text);
  for (const Overrides::At& one : from.at) overrides.at.push_back({one.name, one.text, one.called});
  for (const auto& [called, folder] : from.folders) overrides.folders[called] = folder;
  return overrides;
}

Variable described(const potluck::Variable& variable, const Held& held) {
  Variable told;
  told.name = variable.name;
  told.shape = variable.shape;
  told.categories = variable.categories;
  told.least = variable.least;
  told.most = variable.most;
  told.transformed = variable.walls == Walls::kTransform;
  told.size = variable.size();
  told.given = std::count_if(held.mask.begin(), held.mask.end(), [](uint8_t one) { return one != 0; });
  return told;
}

SampleSettings::Anneal described(const Schedule& schedule, const std::vector<potluck::Variable>& variables) {
  SampleSettings::Anneal told;
  if (!schedule.any()) return told;
  told.temperature = schedule.temperature;
  for (const GivenNumber& number : schedule.given)
    told.given.emplace_back(variables[static_cast<size_t>(number.variable)].name, number.from);
  told.levels = schedule.levels;
  told.steps = schedule.steps;
  told.spacing = name_of(schedule.spacing);
  told.predictor = schedule.predictor;
  told.step_by_level = schedule.step_by_level;
  told.step_size = schedule.step_size;
  told.noisy_given = schedule.noisy_given;
  return told;
}

}  // namespace

SessionOptions session_options(const Overrides& overrides, const Machine& machine) {
  SessionOptions options;
  options.overrides = overrides_of(overrides);
  if (machine.local_rank < 0)
    throw SettingError("local_rank", fmt::format(" must be >= 0, got {}", machine.local_rank));
  options.device = parse_device(machine.device, machine.local_rank);
  if (machine.threads < 0)
    throw SettingError("threads", fmt::format(" must be >= 0, got {}. 0 takes as many as there are", machine.threads));
  options.threads = machine.threads > 0 ? machine.threads : usable_threads();
  check_path(machine.log_z_folder, "log_z_folder");
  options.estimate_folder = machine.log_z_folder;
  return options;
}

std::shared_ptr<const Composition::State> read(SessionOptions options, Plugins& plugins) {
  return translated([&] {
    potluck::Composition composition = read_for(options, plugins.state().search);
    return std::make_shared<const Composition::State>(Composition::State{std::move(options), std::move(composition)});
  });
}

Composition::Composition(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Composition Composition::from_file(const std::string& file, Plugins& plugins, const Overrides& overrides,
                                   const Machine& machine) {
  return translated([&] {
    check_given_path(file, "file");
    SessionOptions options = session_options(overrides, machine);
    options.file = file;
    return Composition(read(std::move(options), plugins));
  });
}

Composition Composition::to_train(const std::string& file, Plugins& plugins, const Overrides& overrides,
                                  const Machine& machine) {
  return translated([&] {
    SessionOptions options = session_options(overrides, machine);
    options.file = file;
    options.read_for = ReadFor::kTraining;
    return Composition(read(std::move(options), plugins));
  });
}

Composition Composition::from_text(const std::string& text, Plugins& plugins, const Overrides& overrides,
                                   const Machine& machine, const std::string& name) {
  return translated([&] {
    if (name.empty()) throw SettingError("name", " must be what errors call the text, got an empty one");
    SessionOptions options = session_options(overrides, machine);
    options.file = name;
    options.overrides.text = text;
    options.overrides.text_name = name;
    return Composition(read(std::move(options), plugins));
  });
}

const std::string& Composition::file() const noexcept { return state_->composition.file; }

const std::string& Composition::target() const noexcept { return state_->composition.target->name; }

std::string Composition::tree() const { return tree_text(*state_->composition.target); }

std::vector<Variable> Composition::variables() const {
  const potluck::Composition& composition = state_->composition;
  std::vector<Variable> all;
  for (size_t v = 0; v < composition.variables.size(); ++v)
    all.push_back(described(composition.variables[v], composition.held[v]));
  return all;
}

SampleSettings Composition::sample() const {
  const potluck::SampleSettings& from = state_->composition.sample;
  SampleSettings sample;
  sample.method = from.method;
  for (const BlockOptions& block : from.blocks) sample.blocks.push_back({block.variables, block.method});
  sample.chains = from.chains;
  sample.warmup = from.warmup;
  sample.steps = from.steps;
  sample.thin = from.thin;
  sample.seed = from.seed;
  sample.temperature = from.temperature;
  sample.float64 = from.precision == Precision::kFloat64;
  sample.anneal = described(from.anneal, state_->composition.variables);
  return sample;
}

const std::string& Composition::resolved() const noexcept { return state_->composition.resolved; }

std::vector<std::string> Composition::warnings() const { return state_->composition.warnings; }

}  // namespace potluck::engine
