// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/compose/engine/engines.h"

namespace engine = potluck::engine;
using engine::Composite;
using engine::Composition;
using engine::Error;
using testing::HasSubstr;

TEST(FaceCompositionTest, TellsWhatTheFileSays) {
  engine::Plugins plugins = shipped_plugins();
  const Composition read = Composition::from_text(
      two_bumps("{shape: [3], support: [-9, 9]}", "{method: hmc, chains: 7, seed: 4, precision: float64}",
                "views: {second: {of: x, slice: [1]}}\ngiven: [{of: second, value: 1}]\n"),
      plugins);
  EXPECT_EQ(read.file(), "composition");
  EXPECT_EQ(read.target(), "both");
  EXPECT_THAT(read.tree(), HasSubstr("left: gaussian(x: x), weight 1"));
  ASSERT_EQ(read.variables().size(), 1u);
  const engine::Variable x = read.variables()[0];
  EXPECT_EQ(x.name, "x");
  EXPECT_EQ(x.shape, std::vector<int64_t>{3});
  EXPECT_EQ(x.size, 3);
  EXPECT_EQ(x.given, 1);
  EXPECT_EQ(x.least, -9);
  EXPECT_EQ(read.sample().method, "hmc");
  EXPECT_EQ(read.sample().chains, 7);
  EXPECT_EQ(read.sample().seed, 4u);
  EXPECT_TRUE(read.sample().float64);
  EXPECT_THAT(read.resolved(), HasSubstr("method: hmc"));
}

TEST(FaceCompositionTest, TellsWhatMovesBeforeTheWarmUp) {
  engine::Plugins plugins = shipped_plugins();
  const auto anneal = [&](const std::string& sample) {
    return Composition::from_text(
               "variables: {x: {}, z: {}}\n"
               "target: {model: linear_gaussian, inputs: {x: x, z: z}}\n"
               "given: [{of: z, value: 0.5}]\nsample: {" +
                   sample + "}\n",
               plugins)
        .sample()
        .anneal;
  };
  const auto both = anneal("anneal: {temperature: {from: 4}, z: {from: 20}, levels: 30, steps: 2, spacing: karras}");
  EXPECT_EQ(both.temperature, 4);
  ASSERT_EQ(both.given.size(), 1u);
  EXPECT_EQ(both.given[0].first, "z");
  EXPECT_EQ(both.given[0].second, 20);
  EXPECT_EQ(both.levels, 30);
  EXPECT_EQ(both.steps, 2);
  EXPECT_EQ(both.spacing, "karras");
  EXPECT_EQ(anneal("").levels, 0);
}

TEST(FaceCompositionTest, AllFaultsAreDataInTheOrderOfTheFile) {
  engine::Plugins plugins = shipped_plugins();
  const Error error = error_of([&] {
    Composition::from_text(
        "potluck: 1\n"
        "variables:\n"
        "  x: {shape: [2]}\n"
        "energies:\n"
        "  bump: {model: gaussian, inputs: x, setings: {mean: 1}}\n"
        "target: bump\n"
        "sample: {method: malla, steps: 0}\n",
        plugins, {}, {}, "bump.yaml");
  });
  EXPECT_EQ(error.kind(), Error::Kind::kInput);
  ASSERT_EQ(error.faults().size(), 3u) << error.what();
  const engine::Fault& key = error.faults()[0];
  EXPECT_EQ(key.file, "bump.yaml");
  EXPECT_EQ(key.line, 5);
  EXPECT_EQ(key.column, 38);
  EXPECT_EQ(key.suggestion, "settings");
  EXPECT_EQ(key.path, "energies.bump.setings");
  EXPECT_THAT(key.text, HasSubstr("unknown key 'setings'"));
  const engine::Fault& method = error.faults()[1];
  EXPECT_EQ(method.line, 7);
  EXPECT_EQ(method.suggestion, "mala");
  EXPECT_EQ(method.path, "sample.method");
  const engine::Fault& steps = error.faults()[2];
  EXPECT_EQ(steps.path, "sample.steps");
  EXPECT_EQ(steps.suggestion, "");
  EXPECT_THAT(error.what(), HasSubstr("bump.yaml:7:"));
}

TEST(FaceCompositionTest, FaultsKnowTheirValuesAndTheNearestNames) {
  engine::Plugins plugins = shipped_plugins();
  const auto faults = [&](const std::string& text, const engine::Overrides& overrides = {}) {
    return error_of([&] { Composite(Composition::from_text(text, plugins, overrides)); }).faults();
  };
  const auto expect = [&](const std::string& text, const std::string& path, const std::string& near) {
    const std::vector<engine::Fault> found = faults(text);
    ASSERT_EQ(found.size(), 1u) << text;
    EXPECT_EQ(found[0].path, path) << found[0].text;
    EXPECT_EQ(found[0].suggestion, near) << found[0].text;
    EXPECT_GT(found[0].line, 0) << found[0].text;
  };
  const std::string x = "variables:\n  x:\n    shape: [2]\n", target = "target:\n  model: gaussian\n  inputs: x\n";
  expect(x + "target:\n  model: gausian\n  inputs: x\n", "target.model", "gaussian");
  expect(x + "target:\n  modle: gaussian\n  inputs: x\n", "target", "model");
  expect(x + target + "  settings:\n    meen: 0\n", "target.settings.meen", "mean");
  expect(x + target + "  settings:\n    variance: [1, 2, 3]\n", "target.settings.variance", "");
  expect(x + target + "smaple: {}\n", "smaple", "sample");
  expect(x + target + "sample:\n  stesp: 3\n", "sample.stesp", "steps");
  expect(x + target + "sample:\n  start: none.npy\n", "sample.start", "");
  expect(x + target + "plugins: [none]\n", "plugins[0]", "");
  expect(x + target + "include: [none.yaml]\n", "include[0]", "");
  expect(x + target + "given:\n  - value: 1\n", "given[0].of", "");
  expect(x + target + "given: [{of: x, value: [1, .inf]}]\n", "given[0]", "");
  expect(x, "target", "");
  expect("variables: {x: {shape: [2]}, y: {}}\n" + target, "variables.y", "");

  for (const char* path : {"", "x[", "variables.x.shape[7]"}) {
    const std::vector<engine::Fault> set = faults(x + target, {.set = {{path, "1"}}});
    ASSERT_EQ(set.size(), 1u) << path;
    EXPECT_EQ(set[0].path, path);
    EXPECT_EQ(set[0].file, std::string("--set ") + path);
  }
  const std::vector<engine::Fault> given = faults(x + target, {.given = {{"x", "[1, 2, 3]"}}});
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].path, "given[0].value");
}

TEST(FaceCompositionTest, AFileThatCannotBeReadIsThePlaceOfTheFault) {
  engine::Plugins plugins = shipped_plugins();
  const Error error = error_of([&] { Composition::from_file("/nothing.yaml", plugins); });
  EXPECT_STREQ(error.what(), "/nothing.yaml: must be a file that can be read. Check the path");
  ASSERT_EQ(error.faults().size(), 1u);
  EXPECT_EQ(error.faults()[0].file, "/nothing.yaml");
  EXPECT_EQ(error.faults()[0].text, "must be a file that can be read. Check the path");
  EXPECT_STREQ(error_of([&] { Composition::from_file("", plugins); }).what(), "file must be a path, got an empty text");
  EXPECT_STREQ(error_of([&] { Composition::from_file(std::string("a\0b", 3), plugins); }).what(),
               "file must be a path, got a zero byte at offset 1");
}

TEST(FaceCompositionTest, TextsThatAreNoneAreToldAsThat) {
  engine::Plugins plugins = shipped_plugins();
  EXPECT_STREQ(error_of([&] {
                 Composition::from_text(
                     "\xff\xfe"
                     "x",
                     plugins);
               }).what(),
               "composition: must be text in UTF-8, got UTF-16. Save it anew");
  const engine::Overrides there{.given = {{"x", "up.npy"}}, .folders = {{"--given x", "/somewhere"}}};
  EXPECT_STREQ(error_of([&] { Composition::from_text(two_bumps(), plugins, there); }).what(),
               "--given x: given[0].file must be a file that is there, got 'up.npy'. Paths are relative to /somewhere");
}

TEST(FaceCompositionTest, AnOverrideThatIsWrongIsNamed) {
  engine::Plugins plugins = shipped_plugins();
  const Error error = error_of([&] {
    Composition::from_text(two_bumps(), plugins, {.set = {{"sample.chains", "none"}}});
  });
  ASSERT_EQ(error.faults().size(), 1u);
  EXPECT_EQ(error.faults()[0].file, "--set sample.chains");
  EXPECT_EQ(error.faults()[0].line, 0);
  const Error called = error_of([&] {
    Composition::from_text(two_bumps(), plugins, {.set = {{"sample.until.rhat", "0", "--until rhat"}}});
  });
  ASSERT_EQ(called.faults().size(), 1u);
  EXPECT_EQ(called.faults()[0].file, "--until rhat");
}

TEST(FaceCompositionTest, OverridesChangeWhatIsRead) {
  engine::Plugins plugins = shipped_plugins();
  const Composition read =
      Composition::from_text(two_bumps(), plugins, {.set = {{"sample.chains", "5"}}, .given = {{"x", "2"}}});
  EXPECT_EQ(read.sample().chains, 5);
  EXPECT_EQ(read.variables()[0].given, 3);
  EXPECT_THAT(read.warnings(), testing::Contains(HasSubstr("every variable is given")));
}

TEST(FaceCompositionTest, AFileIsReadFromWhereItIs) {
  const std::string file = testing::TempDir() + "/two_bumps.yaml";
  std::ofstream(file) << two_bumps();
  engine::Plugins plugins = shipped_plugins();
  EXPECT_EQ(Composition::from_file(file, plugins).file(), file);
  const Error error = error_of([&] { Composition::from_file(file + "x", plugins); });
  EXPECT_EQ(error.kind(), Error::Kind::kInput);
  EXPECT_THAT(error.what(), HasSubstr(file + "x"));
}

TEST(FaceCompositionTest, AMachineThatIsNotThereIsRefused) {
  engine::Plugins plugins = shipped_plugins();
  const Error device = error_of([&] { Composition::from_text(two_bumps(), plugins, {}, {.device = "tpu"}); });
  EXPECT_EQ(device.kind(), Error::Kind::kInput);
  EXPECT_THAT(device.what(), HasSubstr("tpu"));
  const Error threads = error_of([&] { Composition::from_text(two_bumps(), plugins, {}, {.threads = -1}); });
  EXPECT_STREQ(threads.what(), "threads must be >= 0, got -1. 0 takes as many as there are");
  const Error rank = error_of([&] { Composition::from_text(two_bumps(), plugins, {}, {.local_rank = -1}); });
  EXPECT_STREQ(rank.what(), "local_rank must be >= 0, got -1");
  const Error name = error_of([&] { Composition::from_text(two_bumps(), plugins, {}, {}, ""); });
  EXPECT_STREQ(name.what(), "name must be what errors call the text, got an empty one");
}

TEST(FaceCompositionTest, WhatModelsRefuseIsAFaultAtItsPlace) {
  engine::Plugins plugins = shipped_plugins();
  std::string text = two_bumps();
  text.replace(text.find("mean: 2"), 7, "mean: [1, 2]");
  const Composition read = Composition::from_text(text, plugins);
  const Error error = error_of([&] { Composite composite(read); });
  ASSERT_EQ(error.faults().size(), 1u);
  EXPECT_EQ(error.faults()[0].line, 6);
  EXPECT_THAT(error.faults()[0].text, HasSubstr("mean"));
}

TEST(FaceCompositeTest, ExplainsItself) {
  engine::Plugins plugins = shipped_plugins();
  const Composite composite(Composition::from_text(two_bumps("{shape: []}"), plugins), Composite::Purpose::kLook);
  EXPECT_EQ(composite.device(), "cpu");
  EXPECT_EQ(composite.experts(), (std::vector<std::string>{"left", "right"}));
  ASSERT_EQ(composite.leaves().size(), 2u);
  EXPECT_EQ(composite.leaves()[0].name, "left");
  EXPECT_EQ(composite.leaves()[0].weight, "1");
  EXPECT_THAT(composite.start(), HasSubstr("exact draws"));
  EXPECT_THAT(composite.explanation(), testing::Contains(HasSubstr("integrable")));
  // The integral of exp(-(x - 1)^2 - 1) is sqrt(pi)/e.
  const engine::LogZ log_z = composite.log_z();
  EXPECT_TRUE(log_z.known);
  EXPECT_NEAR(log_z.value, 0.5 * std::log(3.14159265358979323846) - 1, 1e-12);
  EXPECT_EQ(log_z.standard_error, 0);
}

TEST(FaceCompositeTest, SaysWhyItsNormaliserIsNotKnown) {
  engine::Plugins plugins = shipped_plugins();
  const Composite composite(Composition::from_text("potluck: 1\n"
                                                   "variables: {x: {shape: [2]}}\n"
                                                   "energies:\n"
                                                   "  well: {model: double_well, inputs: x}\n"
                                                   "  bump: {model: gaussian, inputs: x}\n"
                                                   "  both: {product: [well, bump]}\n"
                                                   "target: both\n",
                                                   plugins),
                            Composite::Purpose::kLook);
  EXPECT_FALSE(composite.log_z().known);
  EXPECT_NE(composite.log_z().how, "");
}
