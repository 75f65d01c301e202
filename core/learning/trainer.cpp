// SPDX-License-Identifier: Apache-2.0
#include "core/learning/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.h"
#include "core/learning/spread_rows.h"

namespace potluck {

namespace {

constexpr uint32_t kVersion = 1;
constexpr int64_t kMostFigures = 1000;

/// sum += share * added, number by number.
void add_figures(Figures& sum, const Figures& added, double share) {
  if (sum.empty())
    for (const auto& [name, value] : added) sum.emplace_back(name, 0.0);
  for (size_t i = 0; i < added.size(); ++i) sum[i].second += share * added[i].second;
}

void persist_figures(StateArchive& archive, Figures& figures) {
  auto count = static_cast<int64_t>(figures.size());
  archive(count);
  archive.demand(count >= 0 && count <= kMostFigures, "figures of an objective");
  figures.resize(static_cast<size_t>(count));
  for (auto& [name, value] : figures) archive(name, value);
}

}  // namespace

Trainer::Trainer(BatchEnergy& energy, const TrainingData& data, Objective& objective, Optimiser& optimiser,
                 const TrainerOptions& options, const std::vector<Held>& held)
    : energy_(energy),
      data_(data),
      objective_(objective),
      optimiser_(optimiser),
      options_(options),
      held_(held),
      batch_(energy.variables(), energy.precision(), options.batch),
      average_(energy.learnable(), options.average) {
  const std::vector<LearnableArray>& arrays = energy.learnable().arrays();
  sums_.resize(arrays.size());
  for (size_t a = 0; a < arrays.size(); ++a) {
    if (!arrays[a].learned) continue;
    learned_.push_back(a);
    sums_[a].resize(static_cast<size_t>(arrays[a].size()));
  }
}

void Trainer::update() {
  const auto began = std::chrono::steady_clock::now();
  const double used = options_.budget.used(updates_, seconds_), rate = options_.rate.at(updates_, used);
  for (std::vector<double>& sum : sums_) std::fill(sum.begin(), sum.end(), 0);
  batch_.fill_held(held_);
  data_.batch(updates_, batch_.rows(), 0, batch_.rows(), batch_.pointers().data());
  const Figures found = objective_.add_gradient(updates_, batch_, sums_);
  const double norm = clip();
  if (!std::isfinite(norm) || !std::isfinite(found.front().second))
    throw NumericalError(
        fmt::format("the loss and its gradient must be finite, got loss {:g} and gradient norm {:g} in update {} at "
                    "rate {:.3g}. Look for odd rows in the data, or lower learn.rate",
                    found.front().second, norm, updates_ + 1, rate));
  std::vector<const double*> gradients;
  for (const size_t a : learned_) gradients.push_back(sums_[a].data());
  optimiser_.step(gradients, rate);
  energy_.learnable().changed();
  if (options_.average > 0) average_.add(energy_.learnable());
  add_figures(figures_, found, 1);
  norm_ += norm;
  clipped_ += options_.clip > 0 && norm > options_.clip ? 1 : 0;
  ++stretch_;
  ++updates_;
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

/// Scales the gradient down where it is too long. Returns its norm before.
double Trainer::clip() {
  double squares = 0;
  for (const size_t a : learned_)
    for (const double number : sums_[a]) squares += number * number;
  const double norm = std::sqrt(squares);
  if (options_.clip > 0 && norm > options_.clip)
    for (const size_t a : learned_)
      for (double& number : sums_[a]) number *= options_.clip / norm;
  return norm;
}

TrainingProgress Trainer::progress() {
  TrainingProgress now;
  now.updates = updates_;
  now.epoch = data_.epoch_of(updates_, batch_.rows());
  now.seconds = seconds_;
  now.used = options_.budget.used(updates_, seconds_);
  now.rate = options_.rate.at(updates_, now.used);
  now.clipped = clipped_;
  if (stretch_ > 0) {
    now.gradient_norm = norm_ / static_cast<double>(stretch_);
    add_figures(now.figures, figures_, 1 / static_cast<double>(stretch_));
  }
  stretch_ = clipped_ = 0;
  norm_ = 0;
  figures_.clear();
  return now;
}

void Trainer::with_average(const std::function<void()>& look) {
  if (options_.average <= 0) {
    look();
    return;
  }
  average_.exchange(energy_.learnable());
  try {
    look();
  } catch (...) {
    average_.exchange(energy_.learnable());
    throw;
  }
  average_.exchange(energy_.learnable());
}

void Trainer::take_average() {
  if (options_.average > 0 && updates_ > 0) average_.exchange(energy_.learnable());
}

Figures Trainer::assess_held_out(int64_t most) {
  Figures all;
  const int64_t rows = std::min(most, data_.held_out());
  for (int64_t first = 0; first < rows; first += batch_.rows()) {
    const int64_t count = std::min(batch_.rows(), rows - first);
    Batch part = spread_rows(energy_, data_, SpreadRows::kHeldOut, {first, count, rows}, held_);
    add_figures(all, objective_.assess(first, part), static_cast<double>(count) / static_cast<double>(rows));
  }
  return all;
}

std::vector<std::byte> Trainer::save() {
  StateArchive archive;
  persist(archive);
  return archive.take();
}

void Trainer::restore(std::span<const std::byte> saved) {
  StateArchive archive(saved);
  persist(archive);
  if (!archive.at_end()) throw StateError("a saved training must end with its state, got more bytes. Start anew");
  energy_.learnable().changed();
}

void Trainer::persist(StateArchive& archive) {
  archive.version(kVersion);
  archive(updates_, seconds_);
  archive.demand(StateArchive::counted(updates_) && seconds_ >= 0, "counts of updates");
  persist_arrays(archive, energy_.learnable());
  average_.persist(archive);
  persist_mover(archive, &optimiser_);
  objective_.persist(archive);
  // What was added up since the last progress(): the next one is the same wherever a training was cut.
  archive(stretch_, clipped_, norm_);
  persist_figures(archive, figures_);
}

}  // namespace potluck
