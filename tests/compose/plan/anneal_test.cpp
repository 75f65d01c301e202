// SPDX-License-Identifier: Apache-2.0
// Numbers that sample.anneal moves, as models of a plan read them.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "core/sampling/run/run.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

/// What the model below was asked at, each value once in a row: of one thread.
std::vector<double>& noise_seen() {
  static std::vector<double> seen;
  return seen;
}

/// E = x^2 / (2 + 2 noise^2) of x and a parent `z`, the noise.
class Watchful final : public SmallModel {
 public:
  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    const double noise = x[1], precision = 1 / (1 + noise * noise);
    if (noise_seen().empty() || noise_seen().back() != noise) noise_seen().push_back(noise);
    gradient = {precision * x[0], -noise * precision * precision * x[0] * x[0]};
    return precision * x[0] * x[0] / 2;
  }
};

const ModelKind& watchful() {
  static const auto kind =
      small_kind("watchful", {"x", "z"}, 0, [](const std::vector<int64_t>&, const std::vector<std::vector<double>>&) {
        return std::make_unique<Watchful>();
      });
  return *kind;
}

/// What a model is asked at in a run whose noise falls from 16 to 1 in four levels of two steps.
std::vector<double> noise_of_run(const NodePointer& target, int64_t size, Precision precision) {
  Composition annealed = composition({real_line("x", size), real_line("noise", 1)}, target);
  annealed.held[1] = {{1}, {1}};
  annealed.sample.anneal.given = {{1, 16}};
  annealed.sample.anneal.levels = 4;
  annealed.sample.anneal.steps = 2;
  PlanOptions in_precision = in_double();
  in_precision.precision = precision;
  in_precision.most_rows = 256;
  const auto plan = make_plan(annealed, in_precision);
  RunOptions options;
  options.values = option_values("mala");
  options.anneal = annealed.sample.anneal;
  options.chains = 20;
  options.warmup = 30;
  options.steps = 5;
  options.threads = 1;
  noise_seen().clear();
  run({plan.get(), annealed.held, 1}, *default_start(plan->variables()), options, {}, std::atomic<bool>{false});
  return noise_seen();
}

// From 16 to 1 in four levels of equal factors: 16, 8, 4, 2, and then 1 for good.
TEST(AnnealedPlanTest, AModelReadsTheNumberOfEachLevel) {
  const std::vector<double> levels = {16, 8, 4, 2, 1};
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    EXPECT_EQ(noise_of_run(leaf(watchful(), {whole(0, 1), whole(1, 1)}), 1, precision), levels);
    // Where a chain has several rows, each of them does.
    const NodePointer rows = leaf(watchful(), {part(0, 1, {0, 1}), part(1, 1, {0, 0})}, {}, "row", 2);
    EXPECT_EQ(noise_of_run(node("each", Each{rows, "numbers", 2}), 2, precision), levels);
  }
}

}  // namespace
}  // namespace potluck::testing
