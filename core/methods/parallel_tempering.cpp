// SPDX-License-Identifier: Apache-2.0
#include "core/methods/parallel_tempering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/methods/hmc.h"
#include "core/methods/mala.h"

namespace potluck {

namespace {

constexpr double kHottest = 10;  // over the temperature of the run, where the user names none
constexpr double kDisconnected = 0.01, kSlow = 0.2;
constexpr int64_t kMostReplicas = 64;  // the least rows of a tile
// Proposals to swap, over the replicas: in a tenth of such a warm-up a replica has room for about five round trips.
constexpr int64_t kLeastSwapsToClimb = 100;

double hottest_of(const ParallelTempering::Options& options, const Target& target) {
  return options.hottest.value_or(kHottest * target.temperature);
}

std::unique_ptr<Method> inner_method(const ParallelTempering::Options& options) {
  if (options.inner == ParallelTempering::Inner::kHmc)
    return std::make_unique<Hmc>(Hmc::Options{.step_size = options.step_size, .metric = options.metric});
  return std::make_unique<Mala>(Mala::Options{.step_size = options.step_size, .metric = options.metric});
}

}  // namespace

ParallelTempering::ParallelTempering(const Options& options)
    : options_(option_table().checked(options)), inner_(inner_method(options)) {}

const OptionTable<ParallelTempering::Options>& ParallelTempering::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step_size,
              step_size_option("step size of the coldest replica's inner method",
                               "tuned in warm-up for every replica to the inner method's acceptance")),
       option(&Options::replicas,
              {.name = "replicas",
               .kind = SettingKind::kInteger,
               .preset = "8",
               .least = 2,
               .most = kMostReplicas,
               .summary = "number of replicas of every chain; a step evaluates the energy at each of them. The "
                          "report says how many the barrier needs"}),
       option(&Options::hottest,
              {.name = "hottest",
               .kind = SettingKind::kReal,
               .preset = "auto",
               .least = kPositive,
               .choices = {"auto"},
               .summary = "temperature of the hottest replica, at which barriers between modes are low and the "
                          "target is integrable; auto: 10 times sample.temperature, and, where ladder is auto "
                          "too, raised in warm-up until replicas cross between regions"}),
       option(&Options::swap_every,
              {.name = "swap_every",
               .kind = SettingKind::kInteger,
               .preset = "1",
               .least = 1,
               .most = static_cast<double>(UINT32_MAX),
               .summary = "number of steps between two swap proposals; even and odd pairs take turns"}),
       choice_option(&Options::ladder,
                     {.name = "ladder",
                      .preset = "auto",
                      .summary = "auto: temperatures spaced in warm-up so that all neighbours swap at one rate; "
                                 "geometric: equal ratios"},
                     {{"auto", Spacing::kAuto}, {"geometric", Spacing::kGeometric}}),
       choice_option(&Options::inner,
                     {.name = "inner", .preset = "mala", .summary = "the method that moves the replicas"},
                     {{"mala", Inner::kMala}, {"hmc", Inner::kHmc}}),
       diagonal_metric_option(&Options::metric)});
  return table;
}

MethodDescription ParallelTempering::describe() {
  return {.name = "parallel_tempering",
          .summary = "replicas at a ladder of temperatures that swap places, for modes that do not mix; exact",
          .reference = "Syed, Bouchard-Cote, Deligiannidis & Doucet 2022, Non-reversible parallel tempering, JRSS B 84",
          .exact = true,
          .options = option_table().declared()};
}

const MethodDescription& ParallelTempering::description() const { return method("parallel_tempering"); }

void ParallelTempering::check(const Target& target) const {
  Method::check(target);
  if (hottest_of(options_, target) > target.temperature) return;
  throw SettingError("sample.hottest",
                     fmt::format(" must be > sample.temperature ({:g}), got {:g}. Give one at which the "
                                 "barriers between modes are low",
                                 target.temperature, *options_.hottest));
}

void ParallelTempering::prepare(const Target& target) {
  inner_->prepare(target);
  ladder_ = geometric_ladder(target.temperature, hottest_of(options_, target), options_.replicas);
}

void ParallelTempering::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    inner_->advance(group, kernels, {step, 1});
    const int64_t done = int64_t{step} + 1;
    if (done % options_.swap_every == 0) kernels.swap(group, step, done / options_.swap_every % 2 == 1);
  }
}

Tuning ParallelTempering::tuning() const {
  Tuning tuning = inner_->tuning();
  tuning.ladder = options_.ladder == Spacing::kAuto && options_.replicas > 2;
  if (tuning.ladder && !options_.hottest)
    tuning.climb_from = kLeastSwapsToClimb * options_.replicas * options_.swap_every;
  return tuning;
}

std::string ParallelTempering::note_of_hottest(const MethodCounts& counts) const {
  const double hottest = ladder_.temperature.back();
  const bool climbed = hottest > 1.01 * kHottest * counts.temperature;
  const std::string way = fmt::format("hottest: auto {} T = {:g}", climbed ? "climbed to" : "stayed at", hottest);
  switch (ladder_.hottest) {
    case Hottest::kGiven:
      return "";
    case Hottest::kCrossed:
      return climbed ? way + ", where replicas cross between regions" : "";
    case Hottest::kUnknown:
      return climbed ? way + "; whether replicas cross between regions there is not known. Warm up for longer" : "";
    case Hottest::kTooFar:
      return fmt::format(
          "{}, where replicas do not cross between regions: in a longer ladder neighbours would swap at rates below "
          "{:g}. Raise replicas (now {})",
          way, kSlow, options_.replicas);
    case Hottest::kStillStays:
      return way +
             ", the highest temperature that warm-up tries, and replicas do not cross between regions there. Give a "
             "hottest, or another inner method";
  }
  return "";
}

std::vector<std::string> ParallelTempering::notes(const MethodCounts& counts) const {
  const SwapSummary& swaps = counts.swaps;
  if (swaps.rate.empty()) return {};
  std::vector<std::string> notes;
  for (size_t pair = 0; pair < swaps.rate.size(); ++pair) {
    if (!std::isnan(swaps.rate[pair])) continue;
    notes.push_back(
        fmt::format("replicas {} and {} never proposed a swap, so that nothing found above reaches the "
                    "draws. Take at least {} steps",
                    pair, pair + 1, 2 * options_.swap_every));
    return notes;
  }
  const auto [least, most] = std::minmax_element(swaps.rate.begin(), swaps.rate.end());
  const auto pair = static_cast<size_t>(least - swaps.rate.begin());
  std::string text =
      fmt::format("{} replicas between T = {:g} and {:g} swap at rates of {:.2f} to {:.2f}, barrier {:.1f}",
                  options_.replicas, swaps.temperature.front(), swaps.temperature.back(), *least, *most, swaps.barrier);
  if (swaps.round_trips > 0) {
    text += fmt::format("; a ladder sends a replica to the hottest and back every {:.0f} steps", 1 / swaps.round_trips);
  } else {
    text += "; no replica came to the hottest and back";
  }
  notes.push_back(std::move(text));
  if (std::string one = note_of_hottest(counts); !one.empty()) notes.push_back(std::move(one));
  // Syed et al. 2022, section 5.3: about 2 Lambda + 1 replicas make the most round trips for their cost.
  const auto wanted = static_cast<int64_t>(std::ceil(2 * swaps.barrier)) + 1;
  if (*least < kDisconnected) {
    notes.push_back(fmt::format(
        "the ladder is disconnected: replicas {} and {} (T = {:g} and {:g}) swap at a rate of {:.4f}, so that nothing "
        "found above reaches the draws. Raise replicas (now {}), or lower hottest",
        pair, pair + 1, swaps.temperature[pair], swaps.temperature[pair + 1], *least, options_.replicas));
  } else if (*least < kSlow) {
    notes.push_back(fmt::format("replicas {} and {} swap at a rate of {:.2f} only. Use about {} replicas (now {})",
                                pair, pair + 1, *least,
                                std::min(std::max(wanted, options_.replicas + 1), kMostReplicas), options_.replicas));
  }
  if (counts.frozen_replicas > 0) {
    notes.push_back(fmt::format(
        "{} hotter replicas are frozen and swap no more: their energy was not a number. Lower hottest (now {:g})",
        counts.frozen_replicas, swaps.temperature.back()));
  }
  return notes;
}

}  // namespace potluck
