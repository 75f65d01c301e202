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
  warm_up(sampler);
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

TEST(FaceSamplerTest, TheWarmUpIsOverWithItsLastStep) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  EXPECT_TRUE(sampler.warming_up());
  sampler.start();
  while (sampler.warming_up()) sampler.step(100);
  EXPECT_EQ(sampler.steps(), 0);
  EXPECT_EQ(sampler.step(100), 100);
  EXPECT_EQ(sampler.steps(), 100);
  Composite without = composed(plugins, "{chains: 4, warmup: 0, step_size: 0.1}");
  Sampler at_once(without);
  at_once.start();
  EXPECT_FALSE(at_once.warming_up());
}

TEST(FaceSamplerTest, SavedBytesAreWholeAndOfTheSameRun) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  sampler.start();
  for (int i = 0; i < 5; ++i) sampler.step(1);
  const std::vector<std::byte> saved = sampler.save();
  const auto refused = [&](const std::vector<std::byte>& bytes, const std::string& sample = kSample) {
    Composite other = composed(plugins, sample);
    const engine::Error error = error_of([&] { Sampler(other).restore(bytes); });
    EXPECT_EQ(error.kind(), engine::Error::Kind::kInput);
    return std::string(error.what());
  };
  EXPECT_EQ(refused(std::vector<std::byte>(72)),
            "a saved state: must be a checkpoint, got 72 bytes of something else. Start the run anew");
  const std::string other =
      "a saved state: the checkpoint must agree with its SHA-256, got another one. Start the run anew";
  std::vector<std::byte> longer = saved, flipped = saved, shorter(saved.begin(), saved.end() - 1);
  longer.push_back({});
  flipped[flipped.size() / 2] ^= std::byte{1};
  for (const auto& bytes : {longer, flipped, shorter}) EXPECT_EQ(refused(bytes), other);

  const auto with = [](const std::string& setting) { return std::string(kSample).insert(1, setting + ", "); };
  EXPECT_EQ(
      refused(saved, with("temperature: 2")),
      "a saved state must be of the same run, got differences:\n  sample.temperature: 1.0 in the saved state, 2.0 "
      "now\nTake them back, or start the run anew");
  EXPECT_THAT(refused(saved, "{method: mala, chains: 12, warmup: 40, steps: 60, thin: 3, seed: 9}"),
              HasSubstr("sample.seed: 8 in the saved state, 9 now"));
  EXPECT_THAT(refused(saved, "{method: hmc, chains: 12, warmup: 40, steps: 60, thin: 3, seed: 8}"),
              HasSubstr("sample.method: mala in the saved state, hmc now"));
  EXPECT_THAT(error_of([&] { Sampler(composite, {.first = 0, .count = 6}).restore(saved); }).what(),
              HasSubstr("rank: all chains in one process in the saved state, the chains"));
  // How long a run goes on is not what it is.
  Composite longer_run = composed(plugins, "{method: mala, chains: 12, warmup: 40, steps: 600, thin: 3, seed: 8}");
  Sampler resumed(longer_run);
  resumed.restore(saved);
  EXPECT_EQ(resumed.steps(), 5);
}

TEST(FaceSamplerTest, WhatIsRefusedLeavesTheChainsAsTheyWere) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite), twin(composite);
  sampler.start();
  twin.start();
  for (int i = 0; i < 5; ++i) sampler.step(1);
  for (int i = 0; i < 5; ++i) twin.step(1);
  const std::vector<double> nowhere(36, std::nan(""));
  error_of([&] { sampler.start({.rows = 12, .values = {{"x", nowhere}}}); });
  error_of([&] { sampler.restore({}); });
  EXPECT_EQ(sampler.steps(), 5);
  warm_up(sampler);
  warm_up(twin);
  EXPECT_EQ(drawn(sampler, 3), drawn(twin, 3));
}

TEST(FaceSamplerTest, ASecondStartBeginsAnew) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite), twin(composite);
  sampler.start();
  warm_up(sampler);
  drawn(sampler, 3);
  sampler.start();
  twin.start();
  EXPECT_TRUE(sampler.warming_up());
  EXPECT_EQ(sampler.draws(), 0);
  warm_up(sampler);
  warm_up(twin);
  EXPECT_EQ(drawn(sampler, 3), drawn(twin, 3));
}

TEST(FaceSamplerTest, WithoutChainsThereIsNothingToStep) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  const std::string rest = " must be called once chains are there, got none. Call start() or restore()";
  EXPECT_EQ(error_of([&] { sampler.step(1); }).what(), "step()" + rest);
  EXPECT_EQ(error_of([&] { sampler.draw(); }).what(), "draw()" + rest);
  EXPECT_EQ(error_of([&] { sampler.save(); }).what(), "save()" + rest);
  EXPECT_EQ(error_of([&] { sampler.summary(); }).what(), "summary()" + rest);
  EXPECT_EQ(error_of([&] { sampler.progress(); }).what(), "progress()" + rest);
  EXPECT_EQ(sampler.steps(), 0);
  error_of([&] { sampler.restore({}); });
  EXPECT_EQ(error_of([&] { sampler.step(1); }).what(), "step()" + rest);
}

TEST(FaceSamplerTest, ADrawIsBehindAStep) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite);
  sampler.start();
  sampler.step(1);
  EXPECT_STREQ(error_of([&] { sampler.draw(); }).what(),
               "draw() must be called behind the warm-up, got step 1 of its 40. Call step() while warming_up()");
  warm_up(sampler);
  EXPECT_STREQ(error_of([&] { sampler.draw(); }).what(),
               "draw() must be called at least one step behind the warm-up, got none. Call step()");
  sampler.step(2);
  for (const double one : sampler.draw().acceptance) EXPECT_TRUE(one >= 0 && one <= 1) << one;
  EXPECT_STREQ(error_of([&] { sampler.draw(); }).what(),
               "draw() must be called at least one step behind the last draw, got none. Call step()");
  EXPECT_EQ(sampler.draws(), 1);
}

// The mean over 60 steps is that of three draws 10, 20 and 30 steps apart, weighed with those.
TEST(FaceSamplerTest, WhatIsToldIsOfAllStepsWhateverWasDrawn) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Sampler sampler(composite), drawing(composite);
  for (Sampler* one : {&sampler, &drawing}) {
    one->start();
    warm_up(*one);
  }
  double accepted = 0;
  for (const int steps : {10, 20, 30}) {
    sampler.step(steps);
    drawing.step(steps);
    const double since = drawing.progress().acceptance;
    double sum = 0;
    for (const double of_chain : drawing.draw().acceptance) sum += of_chain;
    EXPECT_NEAR(since, sum / 12, 1e-12);
    EXPECT_NEAR(drawing.progress().acceptance, since, 1e-12);
    accepted += steps * sum / 12;
  }
  for (Sampler* one : {&sampler, &drawing}) {
    const engine::Summary told = one->summary();
    EXPECT_EQ(told.steps, 60);
    EXPECT_NEAR(told.acceptance, accepted / 60, 1e-12);
  }
  EXPECT_EQ(sampler.summary().draws, 0);
  Sampler resumed(composite);
  resumed.restore(drawing.save());
  EXPECT_EQ(resumed.summary().acceptance, drawing.summary().acceptance);
  EXPECT_EQ(resumed.progress().acceptance, drawing.progress().acceptance);
}

TEST(FaceSamplerTest, AShareIsOfChainsThatAreThere) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  for (const engine::Share& share : {engine::Share{-1, 3}, {0, -1}, {12, 1}, {0, 13}, {3, 0}, {7, 6}})
    EXPECT_EQ(error_of([&] { Sampler(composite, share); }).what(),
              "share must be of chains among 0 ... 11, got " + std::to_string(share.count) + " from " +
                  std::to_string(share.first) + " on. {0, 0} takes all");
  Sampler all(composite, {0, 12});
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

TEST(FaceRunTest, ARuleThatNeedsAllChainsRefusesAShare) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins, "{method: mala, chains: 8, warmup: 40, steps: 400, until: {rhat: 1.01}}");
  for (const int64_t first : {0, 4}) {
    const engine::Error error = error_of([&] { engine::run(composite, {.share = {first, 4}}); });
    EXPECT_THAT(error.what(), testing::EndsWith("sample.until must have only steps where the run has a share of the "
                                                "chains, got other rules and 4 of 8 chains: those rules need all of "
                                                "them. Use until: {steps: 400}"));
    ASSERT_EQ(error.faults().size(), 1u);
    EXPECT_EQ(error.faults()[0].path, "sample.until");
    EXPECT_GT(error.faults()[0].line, 0);
  }
  EXPECT_GT(engine::run(composite, {.share = {0, 8}}).draws, 0);
}

TEST(FaceRunTest, AnObserverThatIsNotThereIsRefused) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins);
  Collector collector;
  EXPECT_STREQ(error_of([&] {
                 engine::run(composite, {.observers = {&collector, nullptr}});
               }).what(),
               "observers[1] must be an observer, got a null pointer");
}

TEST(FaceRunTest, ACheckpointOfAnotherRunIsRefused) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins), other = composed(plugins, "{method: mala, chains: 12, warmup: 40, seed: 1}");
  Collector collector;
  engine::run(composite, {.observers = {&collector}});
  EXPECT_THAT(error_of([&] { engine::run(other, {.checkpoint = collector.saved}); }).what(),
              HasSubstr("sample.seed: 8 in the saved state, 1 now"));
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
