// SPDX-License-Identifier: Apache-2.0
#include "core/learning/negatives.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "core/random/philox.h"

namespace potluck {

namespace {

/// Has noise of starts for itself: no variable has a dot in its name.
constexpr const char* kRestarts = "learn.negatives";

bool stays(const NegativeOptions& options, size_t variable) {
  return std::find(options.conditions.begin(), options.conditions.end(), variable) != options.conditions.end();
}

/// Labels of the variable, or -1 for none.
bool labels_are_some(const std::vector<Variable>& variables, const Batch& batch) {
  for (size_t v = 0; v < variables.size(); ++v)
    for (int64_t i = 0; variables[v].categorical() && i < batch.size(v); ++i)
      if (batch.at(v, i) < -1 || batch.at(v, i) >= static_cast<double>(variables[v].categories)) return false;
  return true;
}

/// The method that moves what moves. Where labels stay, a method that proposes must not propose them.
std::unique_ptr<Method> method_of(const Energy& energy, const NegativeOptions& options) {
  std::vector<Held> held = options.held;
  held.resize(energy.variables().size());
  for (const size_t v : options.conditions) {
    const auto n = static_cast<size_t>(energy.variables()[v].size());
    held[v] = {std::vector<uint8_t>(n, 1), std::vector<double>(n)};
  }
  MethodChoice choice = options.method;
  choice.blocks = label_blocks(choice, energy.variables(), held);
  std::unique_ptr<Method> method = make_method(choice.method, choice.values);
  if (choice.blocks.empty() && (options.conditions.empty() || !method->proposes())) return method;
  if (choice.blocks.empty()) {
    BlockOptions numbers{{}, choice.method, choice.values};
    for (size_t v = 0; v < held.size(); ++v)
      if (!energy.variables()[v].categorical() && !held[v].all())
        numbers.variables.push_back(energy.variables()[v].name);
    choice.blocks = {numbers};
  }
  return make_method(choice);
}

void check(const Energy& energy, const NegativeOptions& options) {
  const std::unique_ptr<Method> own = make_method(options.method.method, options.method.values);
  if (own->coupling() != Coupling::kNone)
    throw SettingError(
        "learn.negatives.method",
        fmt::format(" must move each chain by itself, got '{}'. Use langevin or mala", options.method.method));
  if (own->tuning().any())
    throw SettingError("learn.negatives.step_size",
                       fmt::format(" must be a number, got auto: the chains of a training have no warm-up that could "
                                   "tune '{}'. Give step_size, and what else is auto",
                                   options.method.method));
  for (const Variable& variable : energy.variables())
    if (variable.has_face() && variable.walls == Walls::kTransform)
      throw SettingError(
          "learn.negatives",
          fmt::format(" must move variables whose walls reflect, got '{}' with walls: transform", variable.name));
}

}  // namespace

Negatives::Negatives(const Energy& energy, int64_t rows, NegativeOptions options)
    : energy_(energy),
      options_(std::move(options)),
      states_(energy.variables(), energy.precision(), rows),
      buffer_(energy.variables(), energy.precision(), options_.buffer),
      failed_(static_cast<size_t>(rows)),
      filled_(static_cast<size_t>(options_.buffer)) {
  check(energy, options_);
  const Target target{&energy, options_.held, 1};
  method_ = method_of(energy, options_);
  method_->prepare(target);
  ChainsOptions chains;
  chains.chains = rows;
  chains.seed = options_.seed;
  chains.threads = options_.threads;
  chains.needs = method_->needs();
  chains_ = make_chains(target, chains);
  untouched_ = chains_->save();
  noise_ = default_start(energy.variables());
}

bool Negatives::begins_anew(int64_t update, int64_t row) const {
  if (options_.buffer == 0 || !filled_[static_cast<size_t>(slot(update, row))]) return true;
  NoiseAddress at;
  at.seed = options_.seed;
  at.variable = variable_key(kRestarts);
  at.chain = static_cast<uint32_t>(row);
  at.step = static_cast<uint32_t>(update);
  at.purpose = Purpose::kStart;
  return uniform(at) < options_.restart;
}

/// The start of the run's chains, at the attempt of that update.
void Negatives::place_noise(int64_t update, int64_t row) {
  std::vector<std::vector<double>> numbers(states_.variables());
  std::vector<double*> position;
  for (size_t v = 0; v < numbers.size(); ++v) {
    numbers[v].resize(static_cast<size_t>(states_.numbers_a_row(v)));
    position.push_back(numbers[v].data());
  }
  noise_->draw(options_.seed, row, 1, static_cast<int>(update & 0x7fffffff), position.data());
  for (size_t v = 0; v < numbers.size(); ++v)
    for (size_t j = 0; j < numbers[v].size() && !stays(options_, v); ++j)
      states_.set(v, row * states_.numbers_a_row(v) + static_cast<int64_t>(j), numbers[v][j]);
}

void Negatives::place(int64_t update, const Batch& data) {
  int64_t restarted = 0;
  for (int64_t row = 0; row < states_.rows(); ++row) {
    if (!begins_anew(update, row)) {
      states_.copy_row(row, buffer_, slot(update, row));
      continue;
    }
    states_.copy_row(row, data, row);
    if (options_.start == NegativeOptions::Start::kNoise) place_noise(update, row);
    ++restarted;
  }
  states_.fill_held(options_.held);
  restarted_ = static_cast<double>(restarted) / static_cast<double>(states_.rows());
}

void Negatives::move(int64_t update) {
  const auto first = static_cast<uint32_t>(update * options_.steps);
  std::vector<std::vector<double>> numbers(states_.variables());
  std::vector<const double*> position;
  for (size_t v = 0; v < numbers.size(); ++v) {
    for (int64_t i = 0; i < states_.size(v); ++i) numbers[v].push_back(states_.at(v, i));
    position.push_back(numbers[v].data());
  }
  chains_->restore(untouched_);
  chains_->write(0, states_.rows(), position.data());
  chains_->evaluate();
  chains_->freeze_failed(first);
  chains_->begin(*method_, first);
  chains_->advance(*method_, Chains::Part::kAll, {first, options_.steps});
  chains_->read(state_);
}

void Negatives::keep(int64_t update) {
  failed_ = state_.frozen;
  for (size_t v = 0; v < states_.variables(); ++v)
    std::memcpy(states_.of(v), state_.position[v].data(), state_.position[v].size());
  for (int64_t row = 0; options_.buffer > 0 && row < states_.rows(); ++row) {
    buffer_.copy_row(slot(update, row), states_, row);
    filled_[static_cast<size_t>(slot(update, row))] = failed(row) ? 0 : 1;
  }
  drawn_ = true;
}

void Negatives::draw(int64_t update, const Batch& data) {
  place(update, data);
  move(update);
  keep(update);
  if (std::count(failed_.begin(), failed_.end(), 0) == 0)
    throw NumericalError(
        fmt::format("a chain that draws negatives must stay finite, got none of {} that did in update "
                    "{}. Lower the step size of learn.negatives, or the learning rate",
                    states_.rows(), update + 1));
}

void Negatives::persist(StateArchive& archive) {
  archive(drawn_, restarted_, states_, failed_, buffer_, filled_);
  for (const Batch* batch : {&states_, &buffer_})
    archive.demand(labels_are_some(energy_.variables(), *batch), "labels of negatives");
}

}  // namespace potluck
