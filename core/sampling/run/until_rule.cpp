// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/until_rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/diagnostics/convergence.h"
#include "core/diagnostics/verdict_thresholds.h"
#include "core/error.h"

namespace potluck {

namespace {

constexpr int64_t kLeastDraws = 50;  // of a coordinate and chain, before fewer coordinates are looked at

/// The worse of the two; what is not a number is worst.
bool worse(double one, double other, bool large_is_worse) {
  if (std::isnan(one) || std::isnan(other)) return std::isnan(one) && !std::isnan(other);
  return large_is_worse ? one > other : one < other;
}

/// "x[3]" counts in C order, whatever the shape.
std::string name_of(const Variable& variable, int64_t element) {
  return variable.size() == 1 ? variable.name : fmt::format("{}[{}]", variable.name, element);
}

std::string steps_text(int64_t steps) { return fmt::format("{} {}", steps, steps == 1 ? "step" : "steps"); }

int64_t after(int64_t look) { return look + std::max<int64_t>(1, look / 4); }

}  // namespace

UntilRule::UntilRule(const Until& until, const std::vector<Variable>& variables, const std::vector<Held>& held,
                     Precision precision, int64_t chains)
    : until_(until), precision_(precision), chains_(chains) {
  // There may be millions: they are counted, and those that are taken are made.
  const auto for_all = [&](const auto& use) {
    for (size_t v = 0; v < variables.size(); ++v) {
      for (int64_t element = 0; element < variables[v].size(); ++element) {
        const bool fixed = v < held.size() && !held[v].mask.empty() && held[v].mask[static_cast<size_t>(element)] != 0;
        if (fixed) continue;
        if (!variables[v].categorical()) use(v, element, int64_t{-1});
        for (int64_t label = 0; label < variables[v].categories; ++label) use(v, element, label);
      }
    }
  };
  for (const Variable& variable : variables) sizes_.push_back(variable.size());
  for_all([this](size_t, int64_t, int64_t) { ++free_; });
  const int64_t room = kMostValues / (chains * kLeastDraws) - 1;  // beside the energy
  const int64_t taken = std::clamp<int64_t>(room, std::min<int64_t>(free_, 1), std::min(free_, kMostCoordinates));
  int64_t index = 0;
  for_all([&](size_t v, int64_t element, int64_t label) {
    const auto next = static_cast<int64_t>(coordinates_.size());
    if (next == taken || index++ != next * free_ / taken) return;
    const std::string name = name_of(variables[v], element);
    coordinates_.push_back({v, element, label, label < 0 ? name : fmt::format("{} = {}", name, label), {}});
  });
  capacity_ = std::clamp<int64_t>(kMostValues / (chains * (taken + 1)) / 2 * 2, 8, kMostDraws);
  // After it was thinned out the buffer is half full.
  const double most = static_cast<double>(chains) * static_cast<double>(capacity_) / 2;
  if (until.ess && *until.ess > most) {
    throw SettingError(
        "sample.until.ess",
        fmt::format(" must be <= {:.0f} with {} chains, as that many draws are looked at, got {:g}. Use more "
                    "chains, or mcse",
                    most, chains, *until.ess));
  }
  if (until.mcse && 1 / (*until.mcse * *until.mcse) > most) {
    throw SettingError("sample.until.mcse",
                       fmt::format(" must be >= {:.2g} with {} chains, as {:.0f} draws are looked at, got {:g}. Use "
                                   "more chains",
                                   1 / std::sqrt(most), chains, most, *until.mcse));
  }
}

double UntilRule::value_of(const Draw& draw, const Coordinate& coordinate, int64_t chain) const {
  const int64_t at = chain * sizes_[coordinate.variable] + coordinate.element;
  const void* from = draw.position[coordinate.variable];
  if (coordinate.label >= 0) return static_cast<const int64_t*>(from)[at] == coordinate.label ? 1 : 0;
  return precision_ == Precision::kFloat32 ? double{static_cast<const float*>(from)[at]}
                                           : static_cast<const double*>(from)[at];
}

void UntilRule::drew(const Draw& draw) {
  ++seen_;
  frozen_.assign(draw.frozen, draw.frozen + chains_);
  if (!until_.convergence() || (seen_ - 1) % every_ != 0) return;
  if (kept_ == capacity_) {
    thin_out();
    if ((seen_ - 1) % every_ != 0) return;
  }
  ++kept_;
  energy_.insert(energy_.end(), draw.energy, draw.energy + chains_);
  for (Coordinate& one : coordinates_) {
    for (int64_t chain = 0; chain < chains_; ++chain) one.values.push_back(value_of(draw, one, chain));
  }
}

/// Keeps every second draw of the buffer.
void UntilRule::thin_out() {
  const auto halve = [this](std::vector<double>& values) {
    for (int64_t draw = 0; draw < kept_ / 2; ++draw)
      std::copy_n(values.begin() + 2 * draw * chains_, chains_, values.begin() + draw * chains_);
    values.resize(static_cast<size_t>(kept_ / 2 * chains_));
  };
  halve(energy_);
  for (Coordinate& one : coordinates_) halve(one.values);
  kept_ /= 2;
  every_ *= 2;
}

void UntilRule::resume() {
  while (next_look_ < seen_) next_look_ = after(next_look_);
}

std::optional<std::string> UntilRule::reached(int64_t draws, int64_t steps) {
  const bool looks = until_.convergence() && draws >= next_look_;
  if (looks) {
    next_look_ = after(next_look_);
    if (converged())
      return fmt::format("{}, after {}; {} were looked at", texts("reached"), steps_text(steps), scope());
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  if (until_.seconds && seconds >= *until_.seconds)
    return fmt::format("its time, {:g} s, was up after {}; another run may end at another step", *until_.seconds,
                       steps_text(steps));
  return std::nullopt;
}

void UntilRule::look_at(const std::string& name, const std::vector<double>& values, bool& any) {
  std::vector<double> by_chain;  // [chains that move, draws]
  int64_t moving = 0;
  for (int64_t chain = 0; chain < chains_; ++chain) {
    if (frozen_[static_cast<size_t>(chain)] != 0) continue;
    ++moving;
    for (int64_t draw = 0; draw < kept_; ++draw)
      by_chain.push_back(values[static_cast<size_t>(draw * chains_ + chain)]);
  }
  const Convergence found = diagnose({by_chain, moving, kept_});
  const double ess = std::isnan(found.ess_bulk) ? found.ess_bulk : std::min(found.ess_bulk, found.ess_tail);
  const auto take = [&](Worst& worst, double value, bool large_is_worse) {
    if (!any || worse(value, worst.value, large_is_worse)) worst = {value, name};
  };
  take(rhat_, found.rhat, true);
  take(ess_, ess, false);
  take(mcse_, found.mcse_mean / found.sd, true);
  any = true;
}

bool UntilRule::converged() {
  if (kept_ == 0) return false;
  bool any = false;
  const auto flat = [](const std::vector<double>& values) {
    return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  };
  // The energy of a flat composite, such as a box, is one number: that says nothing of the chains. Nor does a label
  // that no chain had, or all had always.
  if (!flat(energy_)) look_at("the energy", energy_, any);
  for (const Coordinate& one : coordinates_)
    if (one.label < 0 || !flat(one.values)) look_at(one.name, one.values, any);
  if (!any) return false;
  const auto holds = [](const std::optional<double>& asked, double value, bool at_most) {
    return !asked || (at_most ? value <= *asked : value >= *asked);  // not where it is not a number
  };
  return holds(until_.rhat, rhat_.value, true) && holds(until_.ess, ess_.value, false) &&
         holds(until_.mcse, mcse_.value, true);
}

std::string UntilRule::standing() const { return kept_ == 0 ? "there is no draw to look at yet" : texts("is"); }

std::string UntilRule::texts(const char* verb) const {
  std::vector<std::string> texts;
  if (until_.rhat)
    texts.push_back(fmt::format(
        "R-hat {} {} ({}), at most {:g} was asked for", verb,
        rhat_.value > kMostRhatTold ? fmt::format("above {:g}", kMostRhatTold) : fmt::format("{:.4f}", rhat_.value),
        rhat_.name, *until_.rhat));
  if (until_.ess)
    texts.push_back(fmt::format("the effective sample size {} {:.0f} ({}), at least {:g} was asked for", verb,
                                ess_.value, ess_.name, *until_.ess));
  if (until_.mcse)
    texts.push_back(
        fmt::format("the standard error of a mean {} {:.4f} standard deviations ({}), at most {:g} was asked "
                    "for",
                    verb, mcse_.value, mcse_.name, *until_.mcse));
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::string UntilRule::scope() const {
  const auto looked = static_cast<int64_t>(coordinates_.size());
  return looked == free_ ? fmt::format("all {} coordinates that move", free_)
                         : fmt::format("{} evenly spread coordinates of {} that move", looked, free_);
}

}  // namespace potluck
