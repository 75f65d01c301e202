// SPDX-License-Identifier: Apache-2.0

// A network of LibTorch in a composition file: its parameters, and gradients with respect to them.
#include <gtest/gtest.h>

#include "compose/file/file.h"
#include "plugins/registry.h"
#include "tests/compose/plan/learning.h"
#include "tests/compose/table_of_models.h"

namespace potluck::testing {
namespace {

/// A plan of the composition that `target` completes, over x [6], in float64 for two workers.
/// @param tangents  a setting of the networks
std::unique_ptr<Plan> plan_of(const std::string& target, const std::string& tangents = "known") {
  static Registry registry([] {
    Registry::Options options;
    options.allow_world_writable = true;  // whoever built the tests is trusted
    return options;
  }());
  registry.add_place(POTLUCK_TORCH_CRITICS, "--plugin", true);
  std::string text =
      "variables: {x: {shape: [6]}}\n"
      "views:\n  left: {of: x, slice: [\"0:4\"]}\n  pairs: {of: x, patches: [2], stride: [1]}\n"
      "energies:\n  net: {model: NETWORK, inputs: x}\n  part: {model: NETWORK, inputs: left}\n"
      "  bowl: {model: test.bowl, inputs: x}\n"
      "integrable: true\ntarget: " +
      target + "\n";
  const std::string word = "NETWORK";
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word))
    text.replace(at, word.size(), "test.critic, settings: {tangents: " + tangents + "}");
  const ScratchFolder folder;
  const Composition scene = read_composition(folder.write("scene.yaml", text), {}, registry);
  PlanOptions options = in_double(64);
  options.workers = 2;
  return make_plan(scene, options);
}

class NetworkGradientTest : public ::testing::TestWithParam<const char*> {};

TEST_P(NetworkGradientTest, IsThatOfCentralDifferences) {
  const auto plan = plan_of(GetParam());
  ASSERT_FALSE(plan->parameters().arrays().empty());
  std::mt19937 random(11);
  const std::vector<std::vector<double>> state = {any_numbers(random, 6 * 5)};
  const Weighing weighing = {any_numbers(random, 5), any_direction(random, state)};
  const Sums sums = gradient(*plan, state, 5, weighing);
  EXPECT_LT(worst_against_differences(*plan, state, 5, weighing, sums), 1e-6);
}

// In float64 the error of a difference is about 1e-10 (compose/plan/central_differences.h).
TEST_P(NetworkGradientTest, IsThatOfTheSameNetworkThatRefusesTangents) {
  const auto with = plan_of(GetParam()), without = plan_of(GetParam(), "refused");
  std::mt19937 random(13);
  const std::vector<std::vector<double>> state = {any_numbers(random, 6 * 5)};
  const Weighing weighing = {any_numbers(random, 5), any_direction(random, state)};
  const Sums sums = gradient(*with, state, 5, weighing), differences = gradient(*without, state, 5, weighing);
  EXPECT_NE(sums, differences);  // they are other ones
  for (size_t a = 0; a < sums.size(); ++a)
    for (size_t k = 0; k < sums[a].size(); ++k)
      EXPECT_NEAR(differences[a][k], sums[a][k], 1e-8 * (1 + std::abs(sums[a][k]))) << a << " " << k;
}

TEST_P(NetworkGradientTest, HasTheSameBitsForAnyNumberOfThreads) {
  const auto plan = plan_of(GetParam());
  constexpr int64_t kMany = 100;
  std::mt19937 random(12);
  const std::vector<std::vector<double>> state = {any_numbers(random, 6 * kMany)};
  const Weighing weighing = {any_numbers(random, kMany), any_direction(random, state)};
  ThreadPool two(2);
  EXPECT_EQ(gradient(*plan, state, kMany, weighing, &two), gradient(*plan, state, kMany, weighing));
}

INSTANTIATE_TEST_SUITE_P(
    Nodes, NetworkGradientTest,
    ::testing::Values("{product: [net, {energy: part, weight: 0.5}, bowl]}",
                      "{mixture: [{energy: net, weight: 0.3}, {product: [part, bowl]}], unnormalised: true}",
                      "{product: [bowl, {not: {energy: net, ceiling: 3, softness: 0.5}}]}",
                      "{mixture: [{each: {over: pairs, energy: {model: NETWORK}}}, bowl], unnormalised: true}"));

TEST(NetworkTest, ParametersAreNamedLikeAStateDict) {
  const auto plan = plan_of("{product: [net, part]}");
  std::vector<std::string> names;
  for (const StoredParameter& stored : plan->parameters().arrays()) names.push_back(stored.name);
  EXPECT_EQ(names, (std::vector<std::string>{"net.in", "net.out", "part.in", "part.out"}));
}

}  // namespace
}  // namespace potluck::testing
