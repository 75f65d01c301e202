// SPDX-License-Identifier: Apache-2.0
// Energies, experts and gradients of composites on the device against those of the CPU.
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/chains/chains.h"
#include "core/random/philox.h"
#include "tests/cuda/composed_on.h"
#include "tests/cuda/visible_device.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 300;

/// One composite of every kind; those of one variable over x [6].
const std::vector<std::pair<std::string, std::string>>& composites() {
  static const std::string x =
      "potluck: 1\nvariables:\n  x: {shape: [6]}\n"
      "views:\n  left: {of: x, slice: [\"0:4\"]}\n  right: {of: x, slice: [\"2:6\"]}\n"
      "  pairs: {of: x, patches: [2], stride: [1]}\n"
      "energies:\n"
      "  bell: {model: gaussian, inputs: x, settings: {mean: 0.5, variance: 2}}\n"
      "  cup: {model: quartic, inputs: x, settings: {coefficient: 0.1}}\n"
      "  wells: {model: double_well, inputs: right}\n"
      "  tail: {model: student_t, inputs: left, settings: {degrees_of_freedom: 4}}\n";
  static const std::string sample = "sample: {precision: float64}\n";
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"product of the whole and its parts",
       x + "  t: {product: [bell, {energy: cup, weight: 0.5}, {energy: tail, weight: 0.2}, wells]}\ntarget: t\n" +
           sample},
      {"mixture in a mixture",
       x +
           "  inner: {mixture: [{energy: bell, weight: 0.3}, {energy: cup, weight: 0.7}], unnormalised: true}\n"
           "  t: {mixture: [{energy: inner, weight: 0.6}, {product: [bell, tail]}], unnormalised: true}\ntarget: t\n" +
           sample},
      {"negation under a ceiling",
       x + "  t: {product: [bell, {not: {energy: cup, strength: 2, ceiling: 3, softness: 0.5}}]}\ntarget: t\n" +
           sample},
      {"tempered parts, each over patches", x +
                                                "  t: {product: [{temper: {energy: cup, temperature: 3}}, bell,"
                                                " {each: {over: pairs, energy: {model: banana}}}]}\ntarget: t\n" +
                                                sample},
      {"each in a mixture", x +
                                "  patches: {each: {over: pairs, energy: {model: gaussian}}}\n"
                                "  t: {mixture: [patches, bell], unnormalised: true}\ntarget: t\n" +
                                sample},
      {"hierarchy of two variables",
       "potluck: 1\nvariables:\n  z: {shape: [2]}\n  y: {shape: [3]}\nenergies:\n"
       "  prior: {model: gaussian, inputs: z}\n"
       "  seen: {model: linear_gaussian, inputs: {x: y, z: z}, settings: {matrix: [1, 2, -0.5, 0.25, 3, -1], "
       "offset: [0.5, -1, 2], variance: [0.25, 1, 4]}}\n"
       "  t: {hierarchy: [prior, seen]}\ntarget: t\n" +
           sample}};
  return all;
}

struct Evaluated {
  std::vector<double> energy, experts;
  std::vector<std::vector<double>> gradient;
};

Evaluated evaluate(const std::string& text, const Device& device) {
  const ComposedOn composed(text, device, kChains);
  ChainsOptions options;
  options.chains = kChains;
  options.threads = 2;
  const auto chains = make_chains({composed.plan.get(), composed.composition.held, 1}, options);
  std::vector<std::vector<double>> position;
  std::vector<const double*> from;
  uint32_t variable = 0;
  for (const Variable& one : composed.plan->variables()) {
    position.emplace_back();
    for (int64_t chain = 0; chain < kChains; ++chain)
      for (int64_t i = 0; i < one.size(); ++i)
        position.back().push_back(
            standard_normal({1, variable, static_cast<uint32_t>(chain), 0, Purpose::kProposal}, i));
    ++variable;
  }
  for (const std::vector<double>& one : position) from.push_back(one.data());
  chains->write(0, kChains, from.data());
  chains->evaluate();
  ChainsState state;
  chains->read(state);
  chains->read_gradients(state);
  Evaluated found{state.energy, state.expert_energy, {}};
  for (const std::vector<std::byte>& bytes : state.gradient) {
    found.gradient.emplace_back(bytes.size() / sizeof(double));
    std::memcpy(found.gradient.back().data(), bytes.data(), bytes.size());
  }
  return found;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  ASSERT_FALSE(found.empty()) << what;
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], 1e-11 * (1 + std::fabs(expected[i]))) << what << ' ' << i;
}

using CudaCompositesTest = VisibleDeviceTest;

TEST_F(CudaCompositesTest, HaveTheEnergiesAndGradientsOfTheCpu) {
  for (const auto& [name, text] : composites()) {
    const Evaluated cpu = evaluate(text, kCpu), cuda = evaluate(text, kCuda);
    expect_near(cuda.energy, cpu.energy, name + ": energy");
    expect_near(cuda.experts, cpu.experts, name + ": experts");
    ASSERT_EQ(cuda.gradient.size(), cpu.gradient.size());
    for (size_t v = 0; v < cpu.gradient.size(); ++v)
      expect_near(cuda.gradient[v], cpu.gradient[v], name + ": gradient");
  }
}

// Needs no device: the composites are sound, and no two of them the same energy.
TEST(CudaCompositesOnTheCpu, AreFiniteAndDiffer) {
  std::vector<double> first;
  for (const auto& [name, text] : composites()) {
    const Evaluated cpu = evaluate(text, kCpu);
    for (const double one : cpu.energy) EXPECT_TRUE(std::isfinite(one)) << name;
    for (const double other : first) EXPECT_NE(cpu.energy[0], other) << name;
    first.push_back(cpu.energy[0]);
  }
}

}  // namespace
}  // namespace potluck::testing
