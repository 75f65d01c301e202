// SPDX-License-Identifier: Apache-2.0
// Maximum likelihood: rounds that find parameters from sums over rows, and log Z as a function of parameters.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"
#include "plugins/conformance/learner.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kRows = 256;
constexpr int64_t kRounds = 12;
constexpr const char* kFit = "See statistics(), add_statistics() and fit() in potluck/plugin.h";

/// Mean over rows of E + log Z, and a bound for what rounding can do to it; nothing where log Z is not known.
struct Loss {
  double value = 0, rounding = 0;
};
std::optional<Loss> loss_of(const Model& model, const Batch& batch) {
  const std::vector<double> energy = energies(model, batch);
  const auto log_z = log_normaliser(model, batch);
  if (!log_z) return std::nullopt;
  Loss loss;
  double magnitude = 1;
  for (size_t b = 0; b < energy.size(); ++b) {
    loss.value += (energy[b] + (*log_z)[b]) / static_cast<double>(energy.size());
    magnitude = std::max({magnitude, std::abs(energy[b]), std::abs((*log_z)[b])});
  }
  loss.rounding = rounding(model, magnitude);
  return loss;
}

/// What add_statistics leaves of sums that hold `start`, [count].
std::vector<double> sums_of(const Model& model, const Batch& batch, const std::vector<double>& start, int64_t round) {
  Arrays input(model, batch);
  GuardedBytes workspace(model.workspace_bytes(batch.rows)), sums(start.size() * sizeof(double));
  std::memcpy(sums.data(), start.data(), sums.bytes());
  Lent lent("add_statistics");
  lent.read(input, model);
  lent.written("the workspace", workspace);
  lent.written("the sums", sums);
  const potluck_call call = {sizeof call, batch.rows, input.pointers(), nullptr, nullptr, nullptr,
                             0,           1,          workspace.data(), nullptr};
  model.add_statistics(call, round, reinterpret_cast<double*>(sums.data()));
  lent.check();
  const auto* first = reinterpret_cast<const double*>(sums.data());
  return {first, first + start.size()};
}

/// The sums over rows must be those over one part of them after the other.
void compare_parts(const Model& model, const Batch& batch, const std::vector<double>& whole, int64_t round,
                   WorstDifference& worst) {
  std::vector<double> sum(whole.size()), magnitude(whole.size(), 1);
  for (int64_t first = 0, rows = 1; first < batch.rows; first += rows, rows = rows % 61 + 7) {
    std::vector<int64_t> some;
    for (int64_t b = first; b < std::min(first + rows, batch.rows); ++b) some.push_back(b);
    const std::vector<double> more = sums_of(model, rows_of(model, batch, some), sum, round);
    for (size_t k = 0; k < sum.size(); ++k) magnitude[k] += std::abs(more[k] - sum[k]);
    sum = more;
  }
  for (size_t k = 0; k < sum.size(); ++k)
    worst.take(apart(sum[k], whole[k]), static_cast<double>(batch.rows) * rounding(model, magnitude[k]),
               fmt::format("number {} in round {}: {:.9g} in parts, {:.9g} at once", k, round, sum[k], whole[k]));
}

/// No parameter can be moved to where the rows are more likely.
std::optional<Finding> more_likely_nearby(Learner& learner, const Batch& batch, const Loss& at) {
  const bool wide = learner.model().setup().precision == Precision::kFloat64;
  for (size_t p = 0; p < learner.parameters().size(); ++p) {
    const ModelParameter& parameter = learner.parameters()[p];
    if (!parameter.trainable) continue;
    const int64_t stride = std::max<int64_t>(1, parameter.size() / 20);
    for (int64_t i = 0; i < parameter.size(); i += stride) {
      const double value = number_of(parameter, i);
      for (const double step : {0x1p-4, -0x1p-4, 0x1p-8, -0x1p-8, wide ? 0x1p-12 : 0.0, wide ? -0x1p-12 : 0.0}) {
        learner.move(p, i, value + step);
        const auto there = loss_of(learner.model(), batch);
        learner.move(p, i, value);
        if (!there || !(there->value < at.value - at.rounding - there->rounding)) continue;
        return failed(
            fmt::format("a closed form must be where the rows are most likely, got a mean log-likelihood of {:.9g}, "
                        "and {:.9g} with number {} of '{}' moved by {:g}",
                        -at.value, -there->value, i, parameter.name, step),
            kFit);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Finding check_likelihood_rounds(const Subject& subject) {
  Learner learner(subject, subject.best_precision());
  const auto statistics = learner.model().statistics();
  if (!statistics) return not_applicable("the model has no statistics in this setup");
  if (!learner.learns()) return failed("a model with statistics must have trainable parameters, got none", kFit);
  const Batch batch = subject.finite_points(learner.model(), kRows, 130, 2);
  if (batch.rows == 0) return not_applicable("no test point has a finite energy. Give --support input=least:most");
  auto before = loss_of(learner.model(), batch);
  if (!before) return failed("log Z of a model with statistics must be known, got none", kFit);
  WorstDifference worst;
  const std::vector<double> nothing(static_cast<size_t>(statistics->count));
  const int64_t rounds = statistics->closed_form ? 2 : kRounds;
  for (int64_t round = 0; round < rounds; ++round) {
    const auto sums = sums_of(learner.model(), batch, nothing, round);
    compare_parts(learner.model(), batch, sums, round, worst);
    learner.fit(round, sums);
    const auto now = loss_of(learner.model(), batch);
    if (!now || !std::isfinite(now->value))
      return failed(fmt::format("after round {} the log-likelihood must be finite, got another", round), kFit);
    const bool may_begin_anew = round == 0 && !statistics->closed_form;
    if (!may_begin_anew && now->value > before->value + before->rounding + now->rounding)
      return failed(fmt::format("round {} must not lower the mean log-likelihood of a row, got {:.9g} after {:.9g}",
                                round, -now->value, -before->value),
                    kFit);
    before = now;
  }
  if (!worst.within())
    return failed(
        fmt::format("the sums over rows must be those over parts of them, got {:.3g} between them, bound {:.3g} "
                    "({})",
                    worst.difference(), worst.bound(), worst.where()),
        kFit);
  if (statistics->closed_form)
    if (const auto nearby = more_likely_nearby(learner, batch, *before)) return *nearby;
  return passed(fmt::format("{} rounds over {} rows{}", rounds, batch.rows,
                            statistics->closed_form ? ": nothing nearby is more likely" : ": none is less likely"));
}

Finding check_log_normaliser_by_parameters(const Subject& subject) {
  Learner learner(subject, subject.best_precision());
  const Lesson lesson = learner.lesson(5, 131);
  const auto claimed = learner.log_normaliser_gradient(lesson);
  if (!claimed) return not_applicable("the model does not say it in this setup");
  const bool wide = subject.best_precision() == Precision::kFloat64;
  const double width = wide ? 0x1p-12 : 0x1p-6;
  WorstDifference worst;
  const auto scalar = [&] {
    const auto log_z = log_normaliser(learner.model(), lesson.batch);
    double sum = 0;
    for (size_t b = 0; log_z && b < log_z->size(); ++b) sum += lesson.cotangent[b] * (*log_z)[b];
    return log_z ? sum : static_cast<double>(NAN);
  };
  const double here = std::abs(scalar());
  for (size_t p = 0; p < learner.parameters().size(); ++p) {
    const ModelParameter& parameter = learner.parameters()[p];
    if (!parameter.trainable) continue;
    const int64_t stride = std::max<int64_t>(1, parameter.size() / 20);
    for (int64_t i = 0; i < parameter.size(); i += stride) {
      const double value = number_of(parameter, i);
      const auto slope = [&](double h) {
        learner.move(p, i, value + h);
        const double above = number_of(parameter, i), up = scalar();
        learner.move(p, i, value - h);
        const double below = number_of(parameter, i), down = scalar();
        learner.move(p, i, value);
        return (up - down) / (above - below);
      };
      const double fine = slope(width), rough = slope(2 * width), number = (*claimed)[p][static_cast<size_t>(i)];
      const double bound = std::abs(fine - rough) + 256 * (wide ? 0x1p-52 : 0x1p-23) * (1 + here) / width;
      worst.take(apart(number, fine), bound,
                 fmt::format("'{}', number {}: {:.6g}, slope {:.6g}", parameter.name, i, number, fine));
    }
  }
  if (!worst.within())
    return failed(
        fmt::format("the gradient of log Z by parameters is {:.3g} away from central differences, bound {:.3g} "
                    "({})",
                    worst.difference(), worst.bound(), worst.where()),
        "sum[p] += sum_b cotangent[b] d log Z_b / dp");
  return passed(
      fmt::format("{} slopes, worst error {:.3g}, bound {:.3g}", worst.seen(), worst.difference(), worst.bound()));
}

}  // namespace potluck::conformance
