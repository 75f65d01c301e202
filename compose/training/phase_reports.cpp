// SPDX-License-Identifier: Apache-2.0
#include "compose/training/phase_reports.h"

#include <fmt/format.h>

#include <utility>

#include "core/error.h"

namespace potluck {

namespace {

constexpr int64_t kRowsAssessed = 1024;
constexpr double kLooks = 5;  ///< at the energies of held-out rows, in a phase

}  // namespace

PhaseReports::PhaseReports(const Composition& composition, Phase& phase, int64_t number)
    : learn_(*composition.learn), phase_(phase), number_(number) {}

void PhaseReports::begin() {
  const Figures found = phase_.trainer().assess_held_out(kRowsAssessed);
  if (!found.empty()) watch_.judge(found.front().second, phase_.objective().growth_alarms());
}

TrainingReport PhaseReports::next() {
  Training& trainer = phase_.trainer();
  TrainingReport report;
  report.phase = number_;
  report.phases = static_cast<int64_t>(learn_.phases.size());
  report.objective = phase_.objective().name();
  report.progress = trainer.progress();
  report.watches_held_out = learn_.data->held_out() > 0;
  const bool look = look_is_due(report.progress.used);
  trainer.with_average([&] {
    report.held_out = trainer.assess_held_out(kRowsAssessed);
    if (look) report.held_out_auroc = phase_.held_out().look(kRowsAssessed);
  });
  const double seconds = report.progress.seconds - std::exchange(seconds_, report.progress.seconds);
  const int64_t updates = report.progress.updates - std::exchange(updates_, report.progress.updates);
  if (seconds > 0) report.updates_a_second = static_cast<double>(updates) / seconds;
  if (report.progress.used > 0)
    report.seconds_left = report.progress.seconds * (1 - report.progress.used) / report.progress.used;
  return report;
}

/// Some times in a phase, and at its end.
bool PhaseReports::look_is_due(double used) {
  const auto looks = static_cast<int64_t>(used * kLooks);
  return looks > std::exchange(looks_, looks);
}

void PhaseReports::judge(const TrainingReport& report) {
  // Held-out rows have the same noise each time. The loss of others may be a hundredfold by their noise alone.
  const bool comparable = !report.held_out.empty();
  const Figures& figures = comparable ? report.held_out : report.progress.figures;
  const double loss = figures.front().second, best = watch_.best();
  const DivergenceWatch::Verdict verdict = watch_.judge(loss, comparable && phase_.objective().growth_alarms());
  doubtful_ = verdict != DivergenceWatch::Verdict::kGood;
  if (verdict == DivergenceWatch::Verdict::kDiverged)
    throw NumericalError(fmt::format(
        "the loss of held-out rows must stay below {:g} times its best, {:.4g}, got more in {} reports in a row, "
        "{:.4g} in update {} at rate {:.3g}. Lower learn.clip, or learn.rate",
        DivergenceWatch::kFactor, best, DivergenceWatch::kReports, loss, report.progress.updates,
        report.progress.rate));
}

Figures scalars_of(const TrainingReport& report) {
  Figures scalars = report.progress.figures;
  for (const auto& [name, value] : report.held_out) scalars.emplace_back("held_out/" + name, value);
  if (report.held_out_auroc) scalars.emplace_back("held_out/auroc", report.held_out_auroc->value);
  scalars.emplace_back("rate", report.progress.rate);
  scalars.emplace_back("gradient_norm", report.progress.gradient_norm);
  scalars.emplace_back("updates_a_second", report.updates_a_second);
  return scalars;
}

}  // namespace potluck
