// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <stdexcept>

#include "tests/compose/engine/engines.h"

namespace engine = potluck::engine;
using engine::Composite;
using engine::Composition;
using engine::Sampler;
using testing::HasSubstr;

namespace {

const char* const kSample = "{method: mala, chains: 12, warmup: 40, steps: 60, thin: 3, seed: 8}";

Composite composed(engine::Plugins& plugins, const std::string& sample = kSample) {
  // Walls that are transformed and a dense metric: draws are in the coordinates of the composition all the same.
  return Composite(Composition::from_text(two_bumps("{shape: [3], support: [-1, 4], walls: transform}", sample),
                                          plugins, {}, {.device = "cpu", .threads = 2}));
}

std::vector<double> numbers(const engine::Draw& draw) {
  std::vector<double> all(draw.energy.begin(), draw.energy.end());
  for (const engine::Draw::Position& position : draw.positions)
    for (size_t i = 0; i < position.count(); ++i) all.push_back(position.at(i));
  return all;
}

class Collector : public engine::Observer {
 public:
  void drew(const engine::Draw& draw) override { draws.push_back(numbers(draw)); }
  void progressed(const engine::Progress& progress) override { last = progress; }
  void checkpointed(std::span<const std::byte> state, int64_t drawn) override {
    saved.assign(state.begin(), state.end());
    saved_draws = drawn;
  }
  std::vector<std::vector<double>> draws;
  engine::Progress last;
  std::vector<std::byte> saved;
  int64_t saved_draws = 0;
};

std::vector<std::vector<double>> drawn(Sampler& sampler, int draws) {
  std::vector<std::vector<double>> all;
  for (int i = 0; i < draws; ++i) {
    sampler.step(3);
    all.push_back(numbers(sampler.draw()));
  }
  return all;
}

void warm_up(Sampler& sampler) {
  while (sampler.warming_up()) sampler.step(7);
}

}  // namespace

TEST(FaceSamplerTest, DrawsTheBitsOfARun) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Collector collector;
  const engine::Summary summary = engine::run(composite, {.observers = {&collector}});
  EXPECT_EQ(summary.draws, 20);
  EXPECT_EQ(summary.why_stopped, "all 60 steps done");
  EXPECT_EQ(summary.method, "mala");
  EXPECT_TRUE(summary.exact_method);
  EXPECT_GT(summary.acceptance, 0.2);
  EXPECT_EQ(collector.last.done, 60);

  Sampler sampler(composite);
  sampler.start();
  // The step that ends the warm-up is the first of sampling: take it with the first draw.
  while (sampler.warming_up() && sampler.steps() < 40) sampler.step(7);
  EXPECT_EQ(drawn(sampler, 20), collector.draws);
  EXPECT_EQ(sampler.draws(), 20);
  EXPECT_EQ(sampler.summary().step_size, summary.step_size);
}

TEST(FaceSamplerTest, DrawsAreInsideTheSupportAndHaveTheirEnergies) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  sampler.start();
  warm_up(sampler);
  sampler.step(5);
  const engine::Draw& draw = sampler.draw();
  ASSERT_EQ(draw.chains, 12);
  ASSERT_EQ(draw.positions[0].count(), 36u);
  const auto& x = std::get<std::span<const float>>(draw.positions[0].values);
  for (const float one : x) EXPECT_TRUE(one > -1 && one < 4) << one;
  const engine::Evaluation again = composite.evaluate({.rows = 12, .values = {{"x", x}}});
  for (size_t chain = 0; chain < 12; ++chain) EXPECT_NEAR(again.energy[chain], draw.energy[chain], 1e-4);
}

TEST(FaceSamplerTest, GoesOnFromWhatWasSavedBitForBit) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  sampler.start();
  warm_up(sampler);
  drawn(sampler, 2);
  const std::vector<std::byte> saved = sampler.save();
  const auto rest = drawn(sampler, 5);
  Sampler resumed(composite);
  resumed.restore(saved);
  EXPECT_EQ(resumed.draws(), 2);
  EXPECT_EQ(drawn(resumed, 5), rest);
}

TEST(FaceSamplerTest, ARunGoesOnFromItsCheckpoint) {
  engine::Plugins plugins = shipped_plugins();
  Composite whole = composed(plugins), half = composed(plugins,
                                                       "{method: mala, chains: 12, warmup: 40, steps: 30, "
                                                       "thin: 3, seed: 8}");
  Collector all, first, second;
  engine::run(whole, {.observers = {&all}});
  engine::run(half, {.observers = {&first}});
  EXPECT_EQ(first.saved_draws, 10);
  engine::run(whole, {.observers = {&second}, .checkpoint = first.saved});
  ASSERT_EQ(second.draws.size(), 10u);
  first.draws.insert(first.draws.end(), second.draws.begin(), second.draws.end());
  EXPECT_EQ(first.draws, all.draws);
}

TEST(FaceSamplerTest, ChainsOfARunThatIsSharedHaveItsBits) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins, "{method: mala, chains: 512, warmup: 20, steps: 3, thin: 3}");
  Collector all, part;
  engine::run(composite, {.observers = {&all}});
  engine::run(composite, {.observers = {&part}, .share = {.first = 256, .count = 256}});
  EXPECT_EQ(part.draws[0][0], all.draws[0][256]);
}

TEST(FaceSamplerTest, ChainsBeginWhereTheyAreToldTo) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite(Composition::from_text(two_bumps("{shape: [3]}", "{chains: 4, warmup: 0, step_size: 1e-12}"),
                                             plugins, {}, {.device = "cpu"}));
  Sampler sampler(composite);
  sampler.start({.rows = 2, .values = {{"x", std::vector<double>{1, 2, 3, 4, 5, 6}}}});
  sampler.step(1);
  const engine::Draw& draw = sampler.draw();
  for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(draw.positions[0].at(i), static_cast<double>(i % 6 + 1), 1e-4);
  EXPECT_STREQ(error_of([&] { Sampler(composite).start({.rows = 0, .values = {}}); }).what(),
               "points.rows must be >= 1, got 0");
}

TEST(FaceSamplerTest, SavedBytesOfAnotherRunAreRefused) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  const std::vector<std::byte> nothing(40);
  const engine::Error error = error_of([&] { Sampler(composite).restore(nothing); });
  EXPECT_EQ(error.kind(), engine::Error::Kind::kInput);
  EXPECT_NE(std::string(error.what()), "");
}

TEST(FaceSamplerTest, NoStepsAreRefused) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  sampler.start();
  EXPECT_STREQ(error_of([&] { sampler.step(0); }).what(), "most must be >= 1 step, got 0");
}

TEST(FaceRunTest, ARuleEndsIt) {
  struct Fifth : engine::StopRule {
    std::optional<std::string> reached(const engine::Draw& draw) override {
      if (draw.index < 4) return {};
      return "five draws are enough";
    }
  } rule;
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  const engine::Summary summary = engine::run(composite, {.until = &rule});
  EXPECT_EQ(summary.draws, 5);
  EXPECT_EQ(summary.why_stopped, "five draws are enough");
  EXPECT_FALSE(summary.interrupted);
}

TEST(FaceRunTest, TheCompositionsOwnRuleHoldsToo) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite =
      composed(plugins, "{method: mala, chains: 64, warmup: 200, steps: 100000, thin: 1, until: {ess: 100}}");
  const engine::Summary summary = engine::run(composite);
  EXPECT_LT(summary.steps, 100000);
  EXPECT_THAT(summary.why_stopped, HasSubstr("effective sample size"));
}

TEST(FaceRunTest, AStopFlagInterruptsIt) {
  struct Stopper : engine::Observer {
    void drew(const engine::Draw& draw) override {
      if (draw.index == 1) stop = true;
    }
    std::atomic<bool> stop = false;
  } stopper;
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  const engine::Summary summary = engine::run(composite, {.observers = {&stopper}, .stop = &stopper.stop});
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(summary.draws, 2);
}

TEST(FaceRunTest, WhatAnObserverThrowsComesOutAsItIs) {
  struct Thrower : engine::Observer {
    void drew(const engine::Draw&) override { throw std::domain_error("of the observer"); }
  } thrower;
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  EXPECT_THROW(engine::run(composite, {.observers = {&thrower}}), std::domain_error);
}
