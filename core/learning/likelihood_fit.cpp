// SPDX-License-Identifier: Apache-2.0
#include "core/learning/likelihood_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace potluck {

namespace {

constexpr uint32_t kVersion = 1;
constexpr int64_t kPieceRows = 4096;
constexpr int64_t kClosedRounds = 2;

/// How much of a log-likelihood rounding may take.
double slack(Precision precision, double loss) {
  return (precision == Precision::kFloat64 ? 1e-8 : 1e-4) * (1 + std::abs(loss));
}

}  // namespace

LikelihoodFit::LikelihoodFit(BatchEnergy& energy, const TrainingData& data, MaximumLikelihood& objective,
                             std::unique_ptr<LikelihoodRounds> rounds, std::unique_ptr<Minimiser> minimiser,
                             const Options& options, const std::vector<Held>& held)
    : energy_(energy),
      data_(data),
      objective_(objective),
      rounds_(std::move(rounds)),
      minimiser_(std::move(minimiser)),
      options_(options),
      held_(held) {
  const std::vector<LearnableArray>& arrays = energy.learnable().arrays();
  sums_.resize(arrays.size());
  for (size_t a = 0; a < arrays.size(); ++a) {
    if (!arrays[a].learned) continue;
    learned_.push_back(a);
    sums_[a].resize(static_cast<size_t>(arrays[a].size()));
  }
}

Batch LikelihoodFit::piece(SpreadRows which, int64_t first) const {
  const bool held_out = which == SpreadRows::kHeldOut;
  const int64_t rows = held_out ? data_.held_out() : data_.training(), count = std::min(kPieceRows, rows - first);
  Batch batch(energy_.variables(), energy_.precision(), count);
  batch.fill_held(held_);
  const std::vector<void*> position = batch.pointers();
  held_out ? data_.held_out_rows(first, count, position.data()) : data_.training_rows(first, count, position.data());
  return batch;
}

void LikelihoodFit::for_each_piece(const std::function<void(Batch&)>& use) const {
  for (int64_t first = 0; first < data_.training(); first += kPieceRows) {
    Batch rows = piece(SpreadRows::kTraining, first);
    use(rows);
  }
}

/// The figures at the present parameters, and the gradient of the loss where it is wanted. Returns the loss.
double LikelihoodFit::evaluate(ParameterSums* sums) {
  const auto rows = static_cast<double>(data_.training());
  if (sums)
    for (std::vector<double>& sum : *sums) std::fill(sum.begin(), sum.end(), 0);
  double energies = 0;
  for_each_piece([&](Batch& piece) { energies += objective_.add_energies(piece, 1 / rows, sums); });
  if (sums) objective_.log_partition().add_gradient(1, *sums);
  figures_ = MaximumLikelihood::figures(energies / rows, objective_.log_partition().value());
  gradient_known_ = sums != nullptr;
  return figures_.front().second;
}

void LikelihoodFit::update() {
  const auto began = std::chrono::steady_clock::now();
  if (figures_.empty()) evaluate(minimiser_ ? &sums_ : nullptr);
  const double before = figures_.front().second;
  rounds_ ? take_round() : iterate();
  check(before);
  const double gain = before - figures_.front().second;
  ++updates_;
  if (rounds_ && rounds_->closed_form())
    converged_ = updates_ >= kClosedRounds;
  else
    converged_ = gain <= options_.tolerance && (updates_ > 1 || !rounds_);
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void LikelihoodFit::take_round() {
  rounds_->begin(updates_);
  for_each_piece([&](Batch& piece) { rounds_->add(piece); });
  rounds_->finish();
  energy_.learnable().changed();
  evaluate(nullptr);
}

void LikelihoodFit::iterate() {
  const auto loss = [&](std::span<double* const> gradients) {
    const double found = gradient_known_ ? figures_.front().second : evaluate(&sums_);
    for (size_t i = 0; i < learned_.size(); ++i)
      std::copy(sums_[learned_[i]].begin(), sums_[learned_[i]].end(), gradients[i]);
    gradient_known_ = false;  // the numbers are moved from here on
    return found;
  };
  minimiser_->iterate(loss, [&] { energy_.learnable().changed(); });
  energy_.learnable().changed();
  evaluate(&sums_);
}

void LikelihoodFit::check(double before) const {
  const double now = figures_.front().second;
  if (!std::isfinite(now))
    throw NumericalError(fmt::format(
        "the log-likelihood of the training rows must be finite, got {:g} in update {}. Look for odd rows in "
        "the data",
        -now, updates_ + 1));
  // Round 0 may begin anew.
  if (!rounds_ || updates_ == 0 || now <= before + slack(energy_.precision(), before)) return;
  throw NumericalError(
      fmt::format("a round of maximum likelihood must not lower the log-likelihood of a training row, got {:.9g} after "
                  "{:.9g} in round {}. The model's statistics or its fit are wrong: check it with `potluck plugins "
                  "check`, or learn with optimiser: lbfgs",
                  -now, -before, updates_));
}

TrainingProgress LikelihoodFit::progress() {
  TrainingProgress now;
  now.updates = updates_;
  now.epoch = updates_;
  now.seconds = seconds_;
  now.used = converged_ ? 1 : options_.budget.used(updates_, seconds_);
  if (gradient_known_) {
    double squares = 0;
    for (const size_t a : learned_)
      for (const double number : sums_[a]) squares += number * number;
    now.gradient_norm = std::sqrt(squares);
  }
  if (figures_.empty()) evaluate(nullptr);
  now.figures = figures_;
  return now;
}

Figures LikelihoodFit::assess_held_out(int64_t) {
  const int64_t rows = data_.held_out();
  if (rows == 0) return {};
  double energies = 0;
  for (int64_t first = 0; first < rows; first += kPieceRows)
    energies += objective_.add_energies(piece(SpreadRows::kHeldOut, first), 0, nullptr);
  return MaximumLikelihood::figures(energies / static_cast<double>(rows), objective_.log_partition().value());
}

std::vector<std::byte> LikelihoodFit::save() {
  StateArchive archive;
  persist(archive);
  return archive.take();
}

void LikelihoodFit::restore(std::span<const std::byte> saved) {
  StateArchive archive(saved);
  persist(archive);
  if (!archive.at_end()) throw StateError("a saved training must end with its state, got more bytes. Start anew");
  energy_.learnable().changed();
  figures_.clear();
  gradient_known_ = false;
  if (updates_ > 0) evaluate(minimiser_ ? &sums_ : nullptr);
}

void LikelihoodFit::persist(StateArchive& archive) {
  archive.version(kVersion);
  archive(updates_, seconds_, converged_);
  archive.demand(StateArchive::counted(updates_) && seconds_ >= 0, "counts of updates");
  persist_arrays(archive, energy_.learnable());
  persist_mover(archive, minimiser_.get());
}

}  // namespace potluck
