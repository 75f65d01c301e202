// SPDX-License-Identifier: Apache-2.0
// Labels that gibbs draws have the law of the finished composite, in closed form. Twins draw a label from the energy of
// one leaf alone, or all elements from the same labels of the others.
#include "core/methods/gibbs.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <thread>

#include "core/chains/cpu_chains.h"
#include "core/energy/forwarding_energy.h"
#include "core/methods/block_sweep.h"
#include "tests/core/labelled_line.h"
#include "tests/exactness/composed.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int kLabels = 3;
using Masses = std::array<double, kLabels>;

/// In proportion to `weights`.
Masses normalised(Masses weights) {
  double sum = 0;
  for (const double one : weights) sum += one;
  for (double& one : weights) one /= sum;
  return weights;
}

/// The largest |z| of the frequencies of labels in independent chains, by their binomial standard errors.
double worst_z_of_labels(const std::vector<double>& labels, const Masses& expected) {
  double worst = 0;
  const auto count = static_cast<double>(labels.size());
  for (int k = 0; k < kLabels; ++k) {
    const double mass = expected[static_cast<size_t>(k)];
    const auto found = static_cast<double>(std::count(labels.begin(), labels.end(), static_cast<double>(k)));
    worst = std::max(worst, std::fabs(found / count - mass) / std::sqrt(mass * (1 - mass) / count));
  }
  return worst;
}

/// N(x; mean, variance I) in d numbers, all with the same mean.
double normal_density(const std::vector<double>& x, double mean, double variance) {
  double log_density = 0;
  for (const double one : x)
    log_density -= 0.5 * ((one - mean) * (one - mean) / variance + std::log(2 * M_PI * variance));
  return std::exp(log_density);
}

/// A composite that says, as the energies of all labels, those of one of its experts.
class LeafAlone final : public ForwardingEnergy {
 public:
  LeafAlone(const Energy& energy, size_t expert) : ForwardingEnergy(energy), expert_(expert) {}
  size_t workspace_bytes(int64_t rows) const override { return energy_.workspace_bytes(rows); }
  void evaluate(const EnergyCall& call) const override { energy_.evaluate(call); }
  bool offers_category_energies(int) const override { return true; }
  void category_energies(const CategoryCall& call) const override {
    const auto rows = static_cast<size_t>(call.state.rows);
    const auto v = static_cast<size_t>(call.variable);
    const int64_t n = variables()[v].size();
    std::vector<const void*> position(call.state.position, call.state.position + variables().size());
    const auto* labels = static_cast<const int64_t*>(position[v]);
    std::vector<int64_t> offered(labels, labels + call.state.rows * n);
    position[v] = offered.data();
    std::vector<double> energy(rows), experts(rows * this->experts().size());
    EnergyCall inner = call.state;
    inner.position = position.data();
    inner.energy = energy.data();
    inner.expert_energy = experts.data();
    for (int64_t k = 0; k < variables()[v].categories; ++k) {
      for (size_t row = 0; row < rows; ++row) offered[row * static_cast<size_t>(n)] = k;
      energy_.evaluate(inner);
      std::copy_n(experts.data() + expert_ * rows, rows, call.energy + k * call.state.rows);
    }
  }

 private:
  size_t expert_;
};

// Means -1, 0 and 1 in both numbers.
const std::string kClasses =
    "{model: class_gaussian, settings: {mean: [-1, -1, 0, 0, 1, 1], variance: 2, log_prior: [-0.5, 0, 0.7]}, inputs: "
    "{image: image, label: label}}";
const std::vector<double> kImage = {0.5, 0.2};
const Masses kPrior = {std::exp(-0.5), 1, std::exp(0.7)};
constexpr double kMean[] = {-1, 0, 1};

const std::string kVariables = "variables: {image: {shape: [2]}, label: {categories: 3}}\n";
const std::string kGiven = "\ngiven: [{of: image, value: [0.5, 0.2]}]";

/// One sweep is enough: the labels of a chain are independent of those before. 10^6 chains.
LastDraw labels_of(const Composed& composed, const Energy* instead = nullptr) {
  return composed.run(*default_start(composed.composition().variables), kComposedChains, 0, instead);
}

TEST(GibbsTest, TheLabelOfAnImageHasItsPosterior) {
  // P(k | x) ~ prior_k N(x; m_k, 2 I), and at T = 2 the root of that.
  Masses posterior{}, warm{};
  for (size_t k = 0; k < kLabels; ++k) {
    posterior[k] = kPrior[k] * normal_density(kImage, kMean[k], 2);
    warm[k] = std::sqrt(posterior[k]);
  }
  const std::string text = kVariables + "target: " + kClasses + kGiven;
  const Composed cold(text, "steps: 1, thin: 1");
  ASSERT_TRUE(cold.plan().offers_category_energies(1));
  const std::vector<double> labels = labels_of(cold).column[2];
  EXPECT_LT(worst_z_of_labels(labels, normalised(posterior)), kPass);
  EXPECT_GT(worst_z_of_labels(labels, normalised(warm)), kReject);
  const Composed hot(text, "steps: 1, thin: 1, temperature: 2");
  EXPECT_LT(worst_z_of_labels(labels_of(hot).column[2], normalised(warm)), kPass);
}

TEST(GibbsTest, TheLabelOfTwoReadersHasTheLawOfTheirProduct) {
  // The second reader sees the first number alone, tempered at 2: E_2/2.
  const std::string text = kVariables + R"(
views: {first: {of: image, slice: ["0:1"]}}
target:
  product:
    - )" + kClasses + R"(
    - temper:
        energy:
          {model: class_gaussian, settings: {mean: [2, -1, 0.5], variance: 0.5}, inputs: {image: first, label: label}}
        temperature: 2
)" + kGiven;
  const double second[] = {2, -1, 0.5};
  Masses both{};
  for (size_t k = 0; k < kLabels; ++k)
    both[k] = kPrior[k] * normal_density(kImage, kMean[k], 2) * std::sqrt(normal_density({0.5}, second[k], 0.5));
  const Composed composed(text, "steps: 1, thin: 1");
  ASSERT_TRUE(composed.plan().offers_category_energies(1));
  EXPECT_LT(worst_z_of_labels(labels_of(composed).column[2], normalised(both)), kPass);
  for (const size_t leaf : {0, 1}) {
    const LeafAlone twin(composed.plan(), leaf);
    EXPECT_GT(worst_z_of_labels(labels_of(composed, &twin).column[2], normalised(both)), kReject) << leaf;
  }
}

TEST(GibbsTest, TheLabelOfAMixturesBranchHasTheLawOfTheMixture) {
  // p(x | k) = 3/4 N(x; m_k, 2 I) + 1/4 N(x; 0, I): the mixture takes the prior out again. It needs log Z of a label,
  // which no model says for all labels at once.
  const std::string text = kVariables + "target: {mixture: [{energy: " + kClasses +
                           ", weight: 3}, {energy: {model: gaussian, inputs: image}, weight: 1}]}" + kGiven;
  Masses mixed{}, branch{};
  for (size_t k = 0; k < kLabels; ++k) {
    branch[k] = normal_density(kImage, kMean[k], 2);
    mixed[k] = 0.75 * branch[k] + 0.25 * normal_density(kImage, 0, 1);
  }
  const Composed composed(text, "steps: 1, thin: 1");
  ASSERT_FALSE(composed.plan().offers_category_energies(1));
  EXPECT_LT(worst_z_of_labels(labels_of(composed).column[2], normalised(mixed)), kPass);
  const LeafAlone twin(composed.plan(), 0);
  EXPECT_GT(worst_z_of_labels(labels_of(composed, &twin).column[2], normalised(mixed)), kReject);
}

TEST(GibbsTest, LabelAndImageHaveTheirJointLaw) {
  // Two readers of one label: P(k) ~ prior_k, image ~ N(m_k, 2 I) and code ~ N(c_k, 1/2) given k. Begun there, 20
  // sweeps of gibbs and mala stay there: masses of labels, and the moments of image and code in each.
  const std::string text =
      "variables: {image: {shape: [2]}, label: {categories: 3}, code: {}}\ntarget:\n  product:\n"
      "    - " +
      kClasses + R"(
    - {model: class_gaussian, settings: {mean: [2, -1, 0.5], variance: 0.5}, inputs: {image: code, label: label}}
)";
  const double code[] = {2, -1, 0.5};
  const Masses masses = normalised(kPrior);
  std::mt19937_64 source(17);
  std::discrete_distribution<int> draw(masses.begin(), masses.end());
  std::normal_distribution<> normal;
  std::vector<double> rows;
  for (int64_t chain = 0; chain < kComposedChains; ++chain) {
    const int k = draw(source);
    for (int j = 0; j < 2; ++j) rows.push_back(kMean[k] + std::sqrt(2.0) * normal(source));
    rows.push_back(k);
    rows.push_back(code[k] + std::sqrt(0.5) * normal(source));
  }
  const Composed composed(text, "step_size: 0.4");
  const auto worst = [&](const LastDraw& last) {
    double z = worst_z_of_labels(last.column[2], masses);
    std::vector<double> product(last.column[0].size());
    const std::array<std::vector<double>, kLabels> means = {{{-1, -1, 2}, {0, 0, -1}, {1, 1, 0.5}}};
    for (size_t k = 0; k < kLabels; ++k) {
      for (size_t i = 0; i < 3; ++i) {
        // E[(x_i - m_ki) [label = k]] = 0 and E[(x_i - m_ki)^2 [label = k]] = P(k) v_i
        const std::vector<double>& x = last.column[i < 2 ? i : 3];
        std::vector<double> square(product.size());
        for (size_t c = 0; c < product.size(); ++c) {
          const bool here = last.column[2][c] == static_cast<double>(k);
          product[c] = here ? x[c] - means[k][i] : 0;
          square[c] = product[c] * product[c];
        }
        z = std::max({z, std::fabs(z_mean(product, 0)), std::fabs(z_mean(square, masses[k] * (i < 2 ? 2 : 0.5)))});
      }
    }
    return z;
  };
  const LastDraw right = composed.run(*composed.at(rows));
  EXPECT_LT(worst(right), kPass);
  EXPECT_GT(right.summary.acceptance, 0.4);
  EXPECT_EQ(right.summary.frozen_count, 0);
  EXPECT_EQ(right.summary.method, "sweep of gibbs + mala");
  const LeafAlone twin(composed.plan(), 1);
  EXPECT_GT(worst(composed.run(*composed.at(rows), kBrokenChains, 0, &twin)), kReject);
}

constexpr int64_t kChains = 1000000;

/// Labels of a line of three after some sweeps from labels that are all 0, as 9 l_0 + 3 l_1 + l_2.
std::vector<double> states_of(const LabelledLine& line, const Method& method, int64_t sweeps) {
  ChainsOptions options;
  options.chains = kChains;
  options.seed = 5;
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const std::vector<Held> held = {{}, {{1, 1, 1}, {0, 0.5, 1}}};
  CpuChains chains({&line, held, 1.5}, options);
  const std::vector<double> none(3 * kChains);
  const double* rows[] = {none.data(), none.data()};
  chains.write(0, kChains, rows);
  chains.evaluate();
  chains.advance(method, Chains::Part::kAll, {0, sweeps});
  ChainsState state;
  chains.read(state);
  const auto* label = reinterpret_cast<const int64_t*>(state.position[0].data());
  std::vector<double> states;
  for (int64_t chain = 0; chain < kChains; ++chain, label += 3)
    states.push_back(static_cast<double>(9 * label[0] + 3 * label[1] + label[2]));
  return states;
}

/// The largest |z| over all 27 states at T = 1.5.
double worst_z_of_states(const LabelledLine& line, const std::vector<double>& states) {
  const double x[] = {0, 0.5, 1};
  std::array<double, 27> mass{};
  double sum = 0;
  for (size_t s = 0; s < mass.size(); ++s) {
    const int64_t label[] = {static_cast<int64_t>(s / 9), static_cast<int64_t>(s / 3 % 3), static_cast<int64_t>(s % 3)};
    sum += mass[s] = std::exp(-line.energy(label, x) / 1.5);
  }
  double worst = 0;
  for (size_t s = 0; s < mass.size(); ++s) {
    const double expected = mass[s] / sum;
    const auto found = static_cast<double>(std::count(states.begin(), states.end(), static_cast<double>(s)));
    worst = std::max(worst, std::fabs(found / kChains - expected) / std::sqrt(expected * (1 - expected) / kChains));
  }
  return worst;
}

TEST(GibbsTest, LabelsThatDependOnEachOtherHaveTheirJointLaw) {
  // 30 sweeps forget where they began: a coupling of .8/1.5 leaves less than a half of it after each.
  const LabelledLine line({});
  const std::vector<Held> held = {{}, {{1, 1, 1}, {0, 0.5, 1}}};
  BlockSweep sweep(std::vector<BlockOptions>{{{"label"}, "gibbs", {}}});
  sweep.prepare({&line, held, 1.5});
  EXPECT_LT(worst_z_of_states(line, states_of(line, sweep, 30)), kPass);
}

TEST(GibbsTest, TheCheckSeesElementsThatAreDrawnBesideEachOther) {
  // Each element given what the others were before the step: the law of a parallel update, which is another one.
  const LabelledLine line({});
  const Twin twin(
      [](Group& group, const Kernels& kernels, uint32_t step) {
        const LabelBlock& labels = group.label_blocks.at(0);
        const std::vector<int64_t> before(labels.label, labels.label + group.rows * labels.n);
        std::vector<int64_t> after = before;
        for (int64_t element = 0; element < labels.n; ++element) {
          std::copy(before.begin(), before.end(), labels.label);
          kernels.begin_labels(group, labels);
          group.evaluate_categories(labels, element);
          kernels.draw_label(group, labels, element, step);
          for (int64_t row = 0; row < group.rows; ++row)
            after[static_cast<size_t>(row * labels.n + element)] = labels.label[row * labels.n + element];
        }
        std::copy(after.begin(), after.end(), labels.label);
      },
      false);
  EXPECT_GT(worst_z_of_states(line, states_of(line, twin, 30)), kReject);
}

}  // namespace
}  // namespace potluck::testing
