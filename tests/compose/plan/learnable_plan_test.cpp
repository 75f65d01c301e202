// SPDX-License-Identifier: Apache-2.0

// The gradient of each objective through random composites, against central differences of its loss. Some experts are
// frozen, and some are shared by several leaves.
#include "compose/plan/learnable_plan.h"

#include <gtest/gtest.h>

#include <numbers>

#include "core/backend/tiles.h"
#include "core/learning/contrastive_divergence.h"
#include "core/learning/denoising_score_matching.h"
#include "core/learning/label_cross_entropy.h"
#include "core/learning/noise_contrastive.h"
#include "core/learning/objective_sum.h"
#include "tests/compose/plan/random_learners.h"
#include "tests/core/learning/loss_differences.h"

namespace potluck::testing {
namespace {

constexpr int64_t kUpdate = 5;
constexpr size_t kLabel = 2;  // of the variables of random trees
constexpr size_t kNoise = 3;  // where there is such a variable

/// What the gradient alone may get wrong of a training.
enum class Twin { kNone, kDroppedBranch, kWrongWeight, kSignOfNegatives };

/// Changes the first node, from the top, that `change` accepts. True where there is one.
template <class Change>
bool change_first(NodePointer& node, const Change& change) {
  auto made = std::make_shared<Node>(*node);
  bool changed = change(*made);
  const auto below = [&](NodePointer& child) { changed = changed || change_first(child, change); };
  std::visit(
      [&](auto& kind) {
        if constexpr (requires { kind.energy; }) below(kind.energy);
        if constexpr (requires { kind.levels; })
          for (NodePointer& level : kind.levels) below(level);
        if constexpr (requires { kind.terms; })
          for (Product::Term& term : kind.terms) below(term.energy);
        if constexpr (requires { kind.branches; })
          for (Mixture::Branch& branch : kind.branches) below(branch.energy);
      },
      made->kind);
  if (changed) node = made;
  return changed;
}

/// What the twin takes for the composition. The experts and their order stay: a weight of 1e-300 is none.
bool make_wrong(Composition& composition, Twin twin) {
  if (twin == Twin::kDroppedBranch)
    return change_first(composition.target, [](Node& node) {
      auto* mixture = std::get_if<Mixture>(&node.kind);
      if (mixture) mixture->branches.back().weight = 1e-300;
      return mixture != nullptr;
    });
  if (twin == Twin::kWrongWeight)
    return change_first(composition.target, [](Node& node) {
      auto* product = std::get_if<Product>(&node.kind);
      if (product) product->terms.front().weight *= 1.1;
      return product != nullptr;
    });
  return true;
}

/// A composition whose parameters are learned but for those of some experts.
class Learner {
 public:
  /// Runs, as those that draw negatives, ask for plans of that many rows.
  Learner(const Composition& composition, unsigned seed)
      : plan_(make_plan(composition, in_double(most_rows_of_run({}, kRows)))) {
    std::mt19937 random(41000 + seed);
    ParameterStore& store = plan_->parameters();
    for (size_t e = 0; e < store.experts().size(); ++e) store.set_frozen(e, random() % 4 == 0);
    learnable_.emplace(*plan_);
  }
  LearnablePlan& operator*() { return *learnable_; }

 private:
  std::unique_ptr<Plan> plan_;
  std::optional<LearnablePlan> learnable_;
};

/// Has the energy of one plan, and the gradients by its parameters of another or with another sign.
class Mistaken final : public Learnable {
 public:
  Mistaken(Learnable& right, Learnable& wrong, bool forgets_sign)
      : right_(right), wrong_(wrong), forgets_sign_(forgets_sign) {}
  const Energy& energy() const override { return right_.energy(); }
  const std::vector<LearnableArray>& arrays() const override { return right_.arrays(); }
  int64_t piece() override { return right_.piece(); }
  void add_gradient(const ParameterGradientCall& call) override {
    ParameterGradientCall changed = call;
    std::vector<double> sizes;
    for (int64_t row = 0; call.cotangent && row < call.rows; ++row) sizes.push_back(std::abs(call.cotangent[row]));
    if (forgets_sign_ && call.cotangent) changed.cotangent = sizes.data();
    wrong_.add_gradient(changed);
  }
  std::vector<double> numbers(size_t array) const override { return right_.numbers(array); }
  void set_numbers(size_t array, const std::vector<double>& numbers) override { right_.set_numbers(array, numbers); }
  void changed() override { right_.changed(); }
  std::shared_ptr<void> allocate(size_t bytes) const override { return right_.allocate(bytes); }
  void copy(void* to, const void* from, size_t bytes) const override { right_.copy(to, from, bytes); }

 private:
  Learnable &right_, &wrong_;
  bool forgets_sign_;
};

/// Real numbers but the noise, which data have.
std::vector<size_t> blurred_of(const Energy& energy) {
  std::vector<size_t> blurred;
  for (size_t v = 0; v < energy.variables().size(); ++v)
    if (!energy.variables()[v].categorical() && energy.variables()[v].name != "noise") blurred.push_back(v);
  return blurred;
}

/// Levels of noise where an expert reads one, else one level.
BlurOptions blur_of(const Energy& energy) {
  BlurOptions blur = {blurred_of(energy), {}, one_level(0.4), 7};
  if (energy.variables().back().name != "noise") return blur;
  blur.noise = kNoise;
  blur.law = {-0.9, 0.7, 0.05, 2};
  return blur;
}

/// N(0, 1.5^2) in place of all real numbers that data have.
class WideNormal final : public NoiseDistribution {
 public:
  explicit WideNormal(std::vector<size_t> drawn) : drawn_(std::move(drawn)) {}
  void draw(int64_t update, int64_t, bool, Batch& to) override {
    std::mt19937 random(static_cast<unsigned>(update));
    std::normal_distribution<double> normal(0, kDeviation);
    for (const size_t v : drawn_)
      for (int64_t i = 0; i < to.size(v); ++i) to.set(v, i, normal(random));
  }
  void log_density(const Batch& at, double* log_density) override {
    for (int64_t row = 0; row < at.rows(); ++row) {
      log_density[row] = 0;
      for (const size_t v : drawn_)
        for (int64_t i = 0; i < at.numbers_a_row(v); ++i) {
          const double z = at.at(v, row * at.numbers_a_row(v) + i) / kDeviation;
          log_density[row] -= z * z / 2 + std::log(kDeviation * std::sqrt(2 * std::numbers::pi));
        }
    }
  }

 private:
  static constexpr double kDeviation = 1.5;
  std::vector<size_t> drawn_;
};

/// Chains that move two steps from the data, at one level of noise.
ContrastiveOptions contrastive_options(const Energy& energy) {
  ContrastiveOptions options;
  options.negatives.method.method = "langevin";
  options.negatives.method.values = option_values("langevin", {{"step_size", "0.02"}});
  options.negatives.steps = 2;
  options.negatives.start = NegativeOptions::Start::kData;
  options.negatives.buffer = 0;
  options.negatives.conditions = {kLabel};
  options.negatives.held.resize(energy.variables().size());
  options.blur = blur_of(energy);
  options.blur.law = one_level(0.3);
  if (options.blur.noise) options.negatives.held[kNoise] = {{1}, {0.3}};
  options.rows = kRows;
  options.energy_l2 = 0.01;
  return options;
}

/// How far the gradient of an objective at `rows` is from central differences of the loss that it says.
double distance(BatchEnergy& energy, Objective& objective, const Batch& rows) {
  const auto loss_of = [&](ParameterSums& sums) {
    Batch copy = rows;
    return objective.add_gradient(kUpdate, copy, sums).front().second;
  };
  ParameterSums sums = zero_sums(energy.learnable()), unused = sums;
  loss_of(sums);
  return worst_against_differences(energy.learnable(), sums, [&] { return loss_of(unused); });
}

double denoising_score_matching(BatchEnergy& energy, const Batch& rows) {
  DenoisingScoreMatching objective(energy, {blur_of(energy.learnable().energy()), 0.8});
  return distance(energy, objective, rows);
}

double label_cross_entropy(BatchEnergy& energy, const Batch& rows) {
  LabelCrossEntropy objective(energy, {kLabel, blur_of(energy.learnable().energy())});
  Batch some = rows;
  some.set(kLabel, 1, -1);
  return distance(energy, objective, some);
}

template <bool kFitsLogZ>
double noise_contrastive(BatchEnergy& energy, const Batch& rows) {
  NoiseContrastive objective(energy, std::make_unique<WideNormal>(blurred_of(energy.learnable().energy())), kFitsLogZ);
  return distance(energy, objective, rows);
}

/// mean E(data) - mean E(negatives) + energy_l2 of the mean squares, of an objective that drew negatives for kUpdate.
double contrastive_loss(BatchEnergy& energy, const ContrastiveDivergence& objective, const Batch& rows) {
  const ContrastiveOptions options = contrastive_options(energy.learnable().energy());
  Batch data = rows;
  std::vector<double> level, of_data(kRows), of_negatives(kRows);
  Blur{options.blur}(kUpdate, 0, false, energy.variables(), data, level);
  energy.evaluate(data, of_data.data());
  energy.evaluate(objective.negatives().states(), of_negatives.data());
  double loss = 0;
  for (size_t row = 0; row < of_data.size(); ++row)
    loss += (of_data[row] - of_negatives[row] + options.energy_l2 * of_data[row] * of_data[row] +
             options.energy_l2 * of_negatives[row] * of_negatives[row]) /
            kRows;
  return loss;
}

double contrastive_divergence(BatchEnergy& energy, const Batch& rows) {
  ContrastiveDivergence objective(energy, contrastive_options(energy.learnable().energy()));
  ParameterSums sums = zero_sums(energy.learnable());
  Batch copy = rows;
  objective.add_gradient(kUpdate, copy, sums);
  return worst_against_differences(energy.learnable(), sums, [&] { return contrastive_loss(energy, objective, rows); });
}

double sum_of_two(BatchEnergy& energy, const Batch& rows) {
  constexpr double kWeight = 0.3;
  const Energy& of = energy.learnable().energy();
  const DenoisingOptions denoising = {blur_of(of), 0.8};
  auto contrast = std::make_unique<ContrastiveDivergence>(energy, contrastive_options(of));
  const ContrastiveDivergence& negatives = *contrast;
  ObjectiveSum sum(std::make_unique<DenoisingScoreMatching>(energy, denoising), kWeight, std::move(contrast));
  ParameterSums sums = zero_sums(energy.learnable()), unused = sums;
  Batch copy = rows;
  sum.add_gradient(kUpdate, copy, sums);
  DenoisingScoreMatching alone(energy, denoising);
  return worst_against_differences(energy.learnable(), sums, [&] {
    Batch again = rows;
    return alone.add_gradient(kUpdate, again, unused).front().second +
           kWeight * contrastive_loss(energy, negatives, rows);
  });
}

using Check = double (*)(BatchEnergy&, const Batch&);

Batch any_rows(const Energy& energy, unsigned seed) {
  std::mt19937 random(42000 + seed);
  State state = any_state(random);
  while (state.size() < energy.variables().size())
    state.emplace_back(static_cast<size_t>(kRows * energy.variables()[state.size()].size()), 0.5);
  Batch rows(energy.variables(), energy.precision(), kRows);
  for (size_t v = 0; v < state.size(); ++v)
    for (int64_t i = 0; i < rows.size(v); ++i) rows.set(v, i, state[v][static_cast<size_t>(i)]);
  return rows;
}

/// The largest distance of all random trees.
double worst_of_trees(Check check, Twin twin = Twin::kNone) {
  constexpr unsigned kTrees = 30;
  double worst = 0;
  unsigned learned = 0, made = 0;
  for (const auto make : {random_learners, above_a_normaliser, beside_noise})
    for (unsigned seed = 0; seed < kTrees; ++seed) {
      const Composition right_one = make(learner(), seed);
      Composition wrong_one = right_one;
      if (!make_wrong(wrong_one, twin)) continue;
      ++made;
      Learner right(right_one, seed), wrong(wrong_one, seed);
      const ParameterSums sums = zero_sums(*right);
      if (std::all_of(sums.begin(), sums.end(), [](const auto& sum) { return sum.empty(); })) continue;
      ++learned;
      Mistaken mistaken(*right, *wrong, twin == Twin::kSignOfNegatives);
      ThreadPool threads(1);
      BatchEnergy energy(twin == Twin::kNone ? static_cast<Learnable&>(*right) : mistaken, threads);
      worst = std::max(worst, check(energy, any_rows((*right).energy(), seed)));
    }
  EXPECT_GT(learned, made / 2);
  EXPECT_GT(made, kTrees);
  return worst;
}

class ObjectivesThroughTrees : public ::testing::TestWithParam<std::pair<const char*, Check>> {
 protected:
  static Check check() { return GetParam().second; }
};

TEST_P(ObjectivesThroughTrees, HaveTheGradientOfTheirLoss) { EXPECT_LT(worst_of_trees(check()), 1e-6); }
TEST_P(ObjectivesThroughTrees, TheSameCheckRejectsABranchThatIsDropped) {
  EXPECT_GT(worst_of_trees(check(), Twin::kDroppedBranch), 1e-2);
}
TEST_P(ObjectivesThroughTrees, TheSameCheckRejectsAWrongWeight) {
  EXPECT_GT(worst_of_trees(check(), Twin::kWrongWeight), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(, ObjectivesThroughTrees,
                         ::testing::Values(std::pair("DenoisingScoreMatching", &denoising_score_matching),
                                           std::pair("ContrastiveDivergence", &contrastive_divergence),
                                           std::pair("NoiseContrastive", &noise_contrastive<true>),
                                           std::pair("NoiseContrastiveWithoutLogZ", &noise_contrastive<false>),
                                           std::pair("LabelCrossEntropy", &label_cross_entropy),
                                           std::pair("ObjectiveSum", &sum_of_two)),
                         [](const auto& one) { return std::string(one.param.first); });

class NegativesThroughTrees : public ObjectivesThroughTrees {};

TEST_P(NegativesThroughTrees, TheSameCheckRejectsNegativesOfTheOtherSign) {
  EXPECT_GT(worst_of_trees(check(), Twin::kSignOfNegatives), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(, NegativesThroughTrees,
                         ::testing::Values(std::pair("ContrastiveDivergence", &contrastive_divergence),
                                           std::pair("NoiseContrastive", &noise_contrastive<true>),
                                           std::pair("NoiseContrastiveWithoutLogZ", &noise_contrastive<false>),
                                           std::pair("LabelCrossEntropy", &label_cross_entropy),
                                           std::pair("ObjectiveSum", &sum_of_two)),
                         [](const auto& one) { return std::string(one.param.first); });

}  // namespace
}  // namespace potluck::testing
