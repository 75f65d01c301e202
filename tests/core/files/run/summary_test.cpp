// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "core/diagnostics/nested_rhat.h"
#include "core/error.h"
#include "core/files/run/summary_netcdf.h"
#include "tests/core/files/example_run.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

/// z of the chains that count, [chains, draws].
std::vector<double> all_z(int64_t draws, int64_t without = -1) {
  std::vector<double> values;
  for (int64_t chain = 0; chain < ExampleRun::kChains; ++chain) {
    for (int64_t draw = 0; draw < draws && chain != without; ++draw) values.push_back(ExampleRun::z(draw, chain));
  }
  return values;
}

TEST(SummaryTest, GivesTheNumbersOfTheDraws) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  EXPECT_EQ(summary.draws, 50);
  ASSERT_EQ(summary.variables.size(), 2u);
  EXPECT_EQ(summary.variables[0].held, 3);
  ASSERT_EQ(summary.variables[0].numbers(), 3u);
  EXPECT_EQ(summary.variables[0].scalar(0).name, "image[1, 0]");
  EXPECT_EQ(summary.variables[0].diagnosed.size(), 3u);

  const std::vector<double> z = all_z(50);
  const Convergence expected = diagnose({z, 5, 50});
  const ScalarSummary found = summary.variables[1].scalar(0);
  EXPECT_EQ(found.name, "z");
  EXPECT_NEAR(found.mean, expected.mean, 1e-14);
  EXPECT_NEAR(found.sd, expected.sd, 1e-14);
  EXPECT_EQ(found.convergence.ess_tail, expected.ess_tail);
  EXPECT_EQ(found.convergence.rhat, expected.rhat);
  // Energies are draw + chain / 4: mean 24.5 + 0.5; the experts' 2 E and -E; acceptance 0.5 ... 0.9.
  EXPECT_NEAR(summary.energy.mean, 25, 1e-12);
  EXPECT_EQ(summary.typical_energy, 25);
  EXPECT_NEAR(summary.experts[0].mean, 50, 1e-12);
  EXPECT_NEAR(summary.experts[1].mean, -25, 1e-12);
  EXPECT_NEAR(summary.shares.at(0), 1, 1e-12);
  EXPECT_NEAR(summary.shares.at(1), 1, 1e-12);
  EXPECT_NEAR(summary.acceptance, 0.7, 1e-12);
  EXPECT_EQ(summary.worst_rhat, summary.energy.convergence.rhat);  // the energy has a trend
  EXPECT_GT(summary.worst_rhat, 1.5);
  EXPECT_EQ(summary.worst_rhat_at, "energy");
  EXPECT_EQ(summary.least_ess_at, "energy");
  EXPECT_EQ(summary.unmoved_count, 0);
  EXPECT_EQ(summary.frozen_share(), 0);
  // Energies 0 ... 49 + chain / 4: 49 jumps of 1 over 50 (50^2 - 1) / 12 = 10412.5, the same for all five chains.
  ASSERT_EQ(summary.ebfmi.size(), 5u);
  for (const double ebfmi : summary.ebfmi) EXPECT_NEAR(ebfmi, 49 / 10412.5, 1e-12);
  EXPECT_EQ(summary.ebfmi_of, (std::vector<int64_t>{100, 101, 102, 103, 104}));
}

// A third of the chains that was left behind at astronomical energies, as of mala from far out, moves the mean.
TEST(SummaryTest, TellsAVerdictWhereMostOfTheDrawsAre) {
  DrawsSummary summary;
  summary.draws = 100;
  summary.energy.mean = 1e10;
  summary.typical_energy = 4;
  RunFigures run;
  run.start_energy = 2e10;
  run.temperature = 2;
  const RunFigures figures = with_figures_of(summary, run);
  EXPECT_EQ(figures.energy->value, 2);
  EXPECT_TRUE(began_far_out(figures));
}

// The energies' variance, over draws and chains, is 208.3 + small: momenta of 100 coordinates carry 2 * 50 / 258 of it.
TEST(SummaryTest, TellsAVerdictOfTheTotalEnergyWhereMomentaAreFresh) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  EXPECT_FALSE(with_figures_of(summary, {}).ebfmi);
  const auto names = [&](int64_t momenta) {
    RunFigures run;
    run.momenta = momenta;
    std::vector<std::string> rules;
    for (const Finding& finding : run_verdict(with_figures_of(summary, run)).findings) rules.push_back(finding.rule);
    return std::count(rules.begin(), rules.end(), "slow_energy") +
           std::count(rules.begin(), rules.end(), "very_slow_energy");
  };
  RunFigures run;
  run.momenta = 100;
  const double variance = summary.energy.sd * summary.energy.sd;
  EXPECT_NEAR(with_figures_of(summary, run).ebfmi->value, 100 / (variance + 50), 1e-12);
  EXPECT_EQ(names(100), 0);
  EXPECT_EQ(names(10), 1);
}

// 64 chains of a standard normal number: those above 1 diverged, or as many anywhere.
TEST(SummaryTest, PlacesDivergencesThatAreConcentrated) {
  for (const bool concentrated : {true, false}) {
    const Scratch scratch;
    DrawsSchema schema;
    schema.variables.emplace_back();
    schema.variables[0].name = "w";
    schema.variables[0].shape = {2};
    schema.chains = 64;
    schema.precision = Precision::kFloat64;
    schema.experts = {"e"};
    std::mt19937_64 engine(4);
    std::normal_distribution<double> normal;
    {
      DrawsWriter writer(scratch.folder(), schema);
      for (int64_t at = 0; at < 20; ++at) {
        std::vector<double> w, energy(64, 1.0), acceptance(64, 0.8);
        std::vector<uint8_t> frozen(64, 0), diverged;
        for (int64_t chain = 0; chain < 64; ++chain) {
          w.push_back(normal(engine));
          w.push_back(normal(engine));
          diverged.push_back(concentrated ? w.back() > 1 : (at + chain) % 6 == 0);
        }
        Draw draw;
        draw.index = at;
        draw.step = at + 1;
        draw.chains = 64;
        draw.position = {w.data()};
        draw.energy = draw.expert_energy = energy.data();
        draw.acceptance = acceptance.data();
        draw.frozen = frozen.data();
        draw.diverged = diverged.data();
        writer.append(draw);
      }
      writer.finish();
    }
    const DrawsSummary summary = summarize_draws(scratch.folder());
    RunFigures run;
    run.divergences = 200;
    run.steps = 20;
    const RunFigures figures = with_figures_of(summary, run);
    ASSERT_EQ(figures.divergent_shift.has_value(), concentrated);
    if (!concentrated) continue;
    EXPECT_EQ(figures.divergent_shift->where, "w[1]");
    // phi(1) / Phi(-1) = 1.525
    EXPECT_NEAR(figures.divergent_shift->value, 1.525, 0.15);
    EXPECT_THAT(run_verdict(figures).text(), testing::HasSubstr("mostly where w[1] is 1.5 standard deviations above"));
  }
}

TEST(SummaryTest, GivesNestedRhatOfNeighbouringChains) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50, 2);
  // Chain 102 is frozen; by twos the others are superchains (100, 101), (103) and (104) of ids / 2.
  const std::vector<double> z = all_z(50, 2);
  const std::vector<int64_t> by_two = {50, 50, 51, 52};
  const DrawsSummary pairs = summarize_draws(scratch.folder(), {.superchain = 2});
  EXPECT_EQ(pairs.variables[1].scalar(0).nested_rhat, nested_rhat({z, 4, 50}, by_two));
  EXPECT_EQ(with_figures_of(pairs, {}).nested_rhat->value, pairs.worst_nested_rhat);
  EXPECT_EQ(with_figures_of(pairs, {}).most_nested_rhat, nested_rhat_threshold(2));
  // Independent starts: every chain its own superchain, and nothing that R-hat does not say.
  const DrawsSummary single = summarize_draws(scratch.folder());
  EXPECT_EQ(single.variables[1].scalar(0).nested_rhat, nested_rhat({z, 4, 50}));
  EXPECT_FALSE(with_figures_of(single, {}).nested_rhat.has_value());
  EXPECT_NE(single.variables[1].scalar(0).nested_rhat, pairs.variables[1].scalar(0).nested_rhat);
}

TEST(SummaryTest, HandsItsFiguresToTheVerdict) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50, 2);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  RunFigures run;
  run.method = "mala";
  run.steps = 600;
  EXPECT_EQ(with_figures_of(summary, {}).steps, summary.steps);  // of a run that nobody saw end
  const RunFigures figures = with_figures_of(summary, run);
  EXPECT_EQ(figures.steps, 600);
  EXPECT_EQ(figures.method, "mala");
  EXPECT_EQ(figures.chains, 5);
  EXPECT_EQ(figures.draws, 50);
  EXPECT_EQ(figures.frozen, 1);
  EXPECT_EQ(figures.first_frozen, "chain 102");
  EXPECT_EQ(figures.rhat->value, summary.worst_rhat);
  EXPECT_EQ(figures.ess->value, summary.least_ess);
  EXPECT_EQ(figures.ess->where, summary.least_ess_at);
  EXPECT_GT(*figures.ess_within_chain, 0);
  EXPECT_EQ(summary.frozen_share(), 0.2);
  EXPECT_EQ(summary.steps, 500);
}

TEST(SummaryTest, LeavesOutFrozenChainsAndNamesThem) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50, 2);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  EXPECT_EQ(summary.frozen, std::vector<int64_t>{102});
  const std::vector<double> z = all_z(50, 2);
  EXPECT_NEAR(summary.variables[1].scalar(0).mean, diagnose({z, 4, 50}).mean, 1e-14);
  EXPECT_EQ(summary.variables[1].scalar(0).convergence.rhat, diagnose({z, 4, 50}).rhat);
}

TEST(SummaryTest, DiagnosesWhatFitsAndSaysSo) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 50);
  // Room for 4 of the 5 numbers: energy, z (the smaller variable) and two of the image's three free pixels.
  const DrawsSummary some = summarize_draws(scratch.folder(), {.most_values = 4 * 5 * 50});
  EXPECT_TRUE(some.energy.diagnosed);
  EXPECT_EQ(some.variables[1].diagnosed.size(), 1u);
  EXPECT_EQ(some.variables[0].diagnosed.size(), 2u);
  EXPECT_TRUE(some.variables[0].scalar(0).diagnosed);
  EXPECT_TRUE(some.variables[0].scalar(1).diagnosed);
  EXPECT_FALSE(some.variables[0].scalar(2).diagnosed);
  EXPECT_GT(some.variables[0].scalar(2).sd, 0);
  const DrawsSummary none = summarize_draws(scratch.folder(), {.most_values = 10});
  EXPECT_FALSE(none.energy.diagnosed);
  EXPECT_TRUE(std::isnan(none.worst_rhat));
}

TEST(SummaryTest, BecomesJson) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 3);  // too few for diagnostics: NaN
  const nlohmann::json all = to_json(summarize_draws(scratch.folder()));
  EXPECT_EQ(all.at("chains"), 5);
  EXPECT_EQ(all.at("draws"), 3);
  EXPECT_TRUE(all.at("worst_rhat").is_null());
  EXPECT_TRUE(all.at("variables")[1].at("scalars")[0].at("rhat").is_null());
  EXPECT_EQ(all.at("expert_energies")[0].at("name"), "coat");
  EXPECT_NEAR(all.at("energy").at("mean").get<double>(), 1.5, 1e-12);
  EXPECT_EQ(all.at("frozen_share"), 0);
  EXPECT_EQ(all.at("chains_a_superchain"), 1);
  EXPECT_TRUE(all.at("variables")[1].at("scalars")[0].at("nested_rhat").is_number());
  // Energies 0, 1, 2: jumps 1 + 1 over squared deviations 1 + 1.
  EXPECT_EQ(all.at("ebfmi").at("least"), 1);
  EXPECT_EQ(all.at("ebfmi").at("chain"), 100);
  EXPECT_EQ(all.at("ebfmi").at("low_chains"), 0);
}

TEST(SummaryTest, HasNoRowsOfLargeVariablesInJsonButADigest) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  // Room for z alone: the image has three free numbers.
  const nlohmann::json all = to_json(summary, 3);
  EXPECT_TRUE(all.at("variables")[0].at("scalars").is_null());
  EXPECT_EQ(all.at("variables")[1].at("scalars").size(), 1u);
  EXPECT_EQ(to_json(summary, 4).at("variables")[0].at("scalars").size(), 3u);
  EXPECT_EQ(all.at("variables")[0].at("numbers"), 3);
  std::vector<ScalarSummary> image;
  for (size_t k = 0; k < summary.variables[0].numbers(); ++k) image.push_back(summary.variables[0].scalar(k));
  const auto worst = std::max_element(image.begin(), image.end(), [](const ScalarSummary& a, const ScalarSummary& b) {
    return a.convergence.rhat < b.convergence.rhat;
  });
  const nlohmann::json rhat = all.at("variables")[0].at("digest").at("rhat");
  EXPECT_EQ(rhat.at("most"), worst->convergence.rhat);
  EXPECT_EQ(rhat.at("most_at"), worst->name);
  EXPECT_LE(rhat.at("least"), rhat.at("most"));
  EXPECT_EQ(rhat.at("not_finite"), 0);
}

TEST(SummaryTest, HasEveryFigureOfEveryNumberInNetcdf) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  write_summary_netcdf(summary, scratch / "summary.nc");
  std::ofstream(scratch / "summary.json") << to_json(summary).dump();
  run_python("files/check_summary.py", "'" + scratch.folder().string() + "'", scratch / "log.txt");
}

/// 4 chains of 40 draws of labels `kind` [2] of three categories: the second is given as 2, the first is 0 or 1.
class LabelledRun {
 public:
  /// @param one_in  the first label is 1 in one draw of so many
  explicit LabelledRun(const std::filesystem::path& folder, uint64_t one_in = 4) {
    Variable kind;
    kind.name = "kind";
    kind.shape = {2};
    kind.categories = 3;
    DrawsSchema schema = draws_schema({kind}, {{{0, 1}, {0, 2}}});
    schema.experts = {"line"};
    schema.chains = kChains;
    DrawsWriter writer(folder, schema);
    std::mt19937_64 bits(3);
    for (int64_t index = 0; index < kDraws; ++index) {
      std::vector<int64_t> labels;
      std::vector<double> energy;
      for (int64_t chain = 0; chain < kChains; ++chain) {
        const int64_t label = bits() % one_in == 0 ? 1 : 0;
        ones[static_cast<size_t>(chain * kDraws + index)] = static_cast<double>(label);
        labels.insert(labels.end(), {label, 2});
        energy.push_back(static_cast<double>(bits() % 1000));
      }
      const std::vector<double> acceptance(kChains, 1);
      const std::vector<uint8_t> none(kChains, 0);
      Draw draw;
      draw.index = index;
      draw.step = index + 1;
      draw.chains = kChains;
      draw.position = {labels.data()};
      draw.energy = draw.expert_energy = energy.data();
      draw.acceptance = acceptance.data();
      draw.frozen = draw.diverged = none.data();
      writer.append(draw);
    }
    writer.finish();
  }

  static constexpr int64_t kChains = 4, kDraws = 40;
  std::vector<double> ones = std::vector<double>(kChains * kDraws);  ///< [chains, draws] 1 where the first label is 1
};

TEST(SummaryTest, GivesTheFrequencyOfEachLabel) {
  const Scratch scratch;
  const LabelledRun run(scratch.folder());
  const DrawsSummary summary = summarize_draws(scratch.folder());
  ASSERT_EQ(summary.variables.size(), 1u);
  const VariableSummary& kind = summary.variables[0];
  EXPECT_EQ(kind.held, 1);
  ASSERT_EQ(kind.numbers(), 3u);
  const Convergence expected = diagnose({run.ones, LabelledRun::kChains, LabelledRun::kDraws});
  const ScalarSummary one = kind.scalar(1);
  EXPECT_EQ(one.name, "kind[0] = 1");
  EXPECT_NEAR(one.mean, expected.mean, 1e-14);
  EXPECT_NEAR(one.sd, expected.sd, 1e-14);
  EXPECT_EQ(one.convergence.mcse_mean, expected.mcse_mean);
  EXPECT_EQ(one.convergence.rhat, expected.rhat);
  EXPECT_EQ(kind.scalar(0).mean, 1 - one.mean);
  // No chain had label 2: that is no reason for alarm, and its R-hat, which is not a number, none for a verdict.
  EXPECT_EQ(kind.scalar(2).mean, 0);
  EXPECT_TRUE(std::isnan(kind.scalar(2).convergence.rhat));
  EXPECT_TRUE(std::isfinite(summary.worst_rhat));
  EXPECT_GT(summary.least_ess, 0);
  EXPECT_EQ(summary.unmoved_count, 0);

  const nlohmann::json json = to_json(summary).at("variables")[0];
  EXPECT_EQ(json.at("shape"), nlohmann::json({2}));
  EXPECT_EQ(json.at("categories"), 3);
  EXPECT_EQ(json.at("scalars").size(), 3u);
  EXPECT_EQ(json.at("scalars")[1].at("name"), "kind[0] = 1");
}

TEST(SummaryTest, TellsALabelThatAnElementAlwaysHad) {
  const Scratch scratch;
  const LabelledRun varied(scratch / "varied"), always(scratch / "always", 1);
  EXPECT_FALSE(with_figures_of(summarize_draws(scratch / "varied"), {}).lone_label);
  const auto lone = with_figures_of(summarize_draws(scratch / "always"), {}).lone_label;
  ASSERT_TRUE(lone);
  EXPECT_EQ(lone->where, "kind[0] = 1");
  EXPECT_EQ(lone->value, 3);
}

TEST(SummaryTest, HasFrequenciesOfLabelsInNetcdf) {
  const Scratch scratch;
  LabelledRun run(scratch.folder());
  const DrawsSummary summary = summarize_draws(scratch.folder());
  write_summary_netcdf(summary, scratch / "summary.nc");
  std::ofstream(scratch / "summary.json") << to_json(summary).dump();
  run_python("files/check_label_summary.py", "'" + scratch.folder().string() + "'", scratch / "log.txt");
  check_summary_netcdf(DrawsReader(scratch.folder()).schema(), scratch / "trial.nc");
}

TEST(SummaryTest, AVerdictBecomesJson) {
  RunVerdict verdict;
  verdict.findings = {{"few_draws", Finding::Weight::kCare, "few draws", "draw for longer"}};
  EXPECT_EQ(to_json(verdict), nlohmann::json::parse(R"({
    "usable": "with care",
    "text": "Usable with care: few draws. Draw for longer.",
    "findings": [{"rule": "few_draws", "weight": "care", "text": "few draws", "advice": "draw for longer"}]})"));
}

// 8 bytes for its place, 16 for mean and standard deviation: what is more is of those that are diagnosed.
TEST(SummaryTest, ANumberThatIsNotDiagnosedTakesItsPlaceAndTwoFigures) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50);
  const DrawsSummary summary = summarize_draws(scratch.folder(), {.most_values = 2 * 250});
  const VariableSummary& image = summary.variables[0];
  ASSERT_EQ(image.numbers(), 3u);
  EXPECT_EQ(image.diagnosed.size(), 0u);
  EXPECT_EQ(image.free, (std::vector<int64_t>{3, 4, 5}));
  EXPECT_EQ(image.scalar(1).name, "image[1, 1]");
  EXPECT_EQ(image.scalar(1).mean, image.mean[1]);
  EXPECT_FALSE(image.scalar(1).diagnosed);
}

TEST(SummaryNetcdfTest, ChecksALayoutWithoutDrawsAndLeavesNoFile) {
  const Scratch scratch;
  ExampleRun run;
  check_summary_netcdf(run.schema, scratch / "summary.nc");
  // Longer than NetCDF's 256 bytes.
  run.schema.variables[0].name = std::string(300, 'n');
  EXPECT_THAT([&] { check_summary_netcdf(run.schema, scratch / "summary.nc"); },
              testing::ThrowsMessage<FileError>(testing::HasSubstr("must be taken by NetCDF, got ")));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.folder()));
}

}  // namespace
}  // namespace potluck
