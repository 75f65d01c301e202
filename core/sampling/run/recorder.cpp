// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/recorder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

namespace potluck {

namespace {

double coordinates_with_faces(const Target& target) {
  const std::vector<Variable>& variables = target.energy->variables();
  double count = 0;
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    if (variable.categorical() || !variable.has_face()) continue;
    count += static_cast<double>(variable.size());
    if (v >= target.held.size()) continue;
    const std::vector<uint8_t>& held = target.held[v].mask;
    count -= static_cast<double>(std::count(held.begin(), held.end(), uint8_t{1}));
  }
  return count;
}

void add(StepSum& to, double sum, double count) {
  to.sum += sum;
  to.count += count;
}

}  // namespace

Recorder::Recorder(const Target& target, bool sweep, const Method& method, std::span<Observer* const> observers,
                   Chains& chains, RankChains& own, RunSummary& summary)
    : observers_(observers),
      method_(method),
      chains_(chains),
      own_(own),
      summary_(summary),
      counts_energies_(!sweep),
      coordinates_with_faces_(coordinates_with_faces(target)),
      virial_(target, method.description(), 0, own.count()) {}

void Recorder::begin() {
  own_.read();
  virial_.begin(own_.state());
}

/// Of each chain over the last steps_ steps, as the chains were read. Returns the mean over those that move.
double Recorder::read_acceptance() {
  const ChainsState& state = own_.state();
  const auto count = static_cast<size_t>(own_.count());
  const int decisions = method_.decisions();
  acceptance_.resize(count);
  double sum = 0, moving = 0;
  for (size_t i = 0; i < count; ++i) {
    acceptance_[i] = decisions > 0 ? state.acceptance[i] / (steps_ * decisions) : 1.0;
    if (state.frozen[i]) continue;
    sum += acceptance_[i];
    ++moving;
  }
  return moving > 0 ? sum / moving : std::nan("");
}

Recorder::Since Recorder::since_draw(int64_t step) {
  finish();  // reads what was read for the last draw
  steps_ = static_cast<double>(step - summary_.steps_done);
  own_.read();
  const std::vector<uint32_t>& divergences = own_.state().divergences;
  return {read_acceptance(), std::accumulate(divergences.begin(), divergences.end(), int64_t{0})};
}

double Recorder::take(int64_t step) {
  steps_ = static_cast<double>(step - summary_.steps_done);
  own_.read();
  chains_.clear_sums();
  if (virial_.any()) own_.read_gradients();
  const ChainsState& state = own_.state();
  const double mean = read_acceptance();
  diverged_.resize(static_cast<size_t>(own_.count()));
  for (size_t i = 0; i < diverged_.size(); ++i) diverged_[i] = state.divergences[i] > 0;
  draw_ = shown(step);
  for (Observer* observer : observers_) observer->drew(draw_);
  left_ = true;
  ++summary_.draws;
  if (std::isfinite(mean)) summary_.acceptance_sum += mean;
  summary_.steps_done = step;
  return mean;
}

Draw Recorder::shown(int64_t step) const {
  const ChainsState& state = own_.state();
  Draw draw;
  draw.index = summary_.draws;
  draw.step = step;
  draw.chains = own_.count();
  for (const std::vector<std::byte>& one : state.position) draw.position.push_back(one.data());
  draw.energy = state.energy.data();
  draw.expert_energy = state.expert_energy.data();
  draw.acceptance = acceptance_.data();
  draw.frozen = state.frozen.data();
  draw.diverged = diverged_.data();
  return draw;
}

std::function<void()> Recorder::rest() {
  if (!left_) return {};
  return [this] { finish(); };
}

void Recorder::finish() {
  if (!std::exchange(left_, false)) return;
  for (Observer* observer : observers_) observer->record(draw_);
  count();
}

/// What a chain adds to the count of a mean with the sums of a draw.
double Recorder::weight(RowSum::Per per) const {
  switch (per) {
    case RowSum::Per::kNothing:
      break;
    case RowSum::Per::kStep:
      return steps_;
    case RowSum::Per::kEnergyError:
      return steps_ * method_.energy_errors();
    case RowSum::Per::kFace:
      return steps_ * coordinates_with_faces_;
  }
  return 0;
}

void Recorder::count() {
  const ChainsState& state = own_.state();
  virial_.add(state);
  swaps_.add(own_);
  const bool energies = counts_energies_ && !state.energy_sums.empty();
  for (size_t i = 0; i < static_cast<size_t>(own_.count()); ++i) {
    summary_.clipped_sum += state.clipped[i] / steps_;
    if (energies && !state.frozen[i])
      summary_.energy_shares.add_steps(steps_, state.energy_sums.data() + i, own_.count());
  }
  for_each_row_sum(
      [&]<class Total>(const RowSum& about, const auto& of_chains, Total& total) {
        if constexpr (std::is_integral_v<Total>) {
          if (about.since == RowSum::Since::kDraw) total = std::accumulate(of_chains.begin(), of_chains.end(), total);
        } else if (about.per != RowSum::Per::kNothing) {
          for (size_t i = 0; i < of_chains.size(); ++i)
            if (!state.frozen[i]) add(total, of_chains[i], weight(about.per));
        }
      },
      state, summary_.sums);
}

}  // namespace potluck
