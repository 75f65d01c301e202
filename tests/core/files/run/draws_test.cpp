// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/draws.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/error.h"
#include "tests/core/files/example_run.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(DrawsTest, SplitsVariablesIntoRecordedAndGivenOnes) {
  const DrawsSchema schema = ExampleRun().schema;
  ASSERT_EQ(schema.variables.size(), 2u);
  EXPECT_EQ(schema.variables[0].name, "image");
  EXPECT_EQ(schema.variables[0].held[1], 0.5);
  EXPECT_TRUE(std::isnan(schema.variables[0].held[4]));
  EXPECT_EQ(schema.variables[1].source, 2);
  EXPECT_TRUE(schema.variables[1].held.empty());
  ASSERT_EQ(schema.given.size(), 1u);
  EXPECT_EQ(schema.given[0].name, "label");
  EXPECT_EQ(schema.given[0].value, std::vector<double>{3});
}

TEST(DrawsTest, ReadsBackWhatItWrote) {
  const Scratch scratch;
  const ExampleRun run(Precision::kFloat64);
  run.write(scratch.folder(), 40);
  EXPECT_TRUE(std::filesystem::exists(scratch / "draws/0001.part"));
  DrawsReader reader(scratch.folder());
  const DrawsSchema& schema = reader.schema();
  EXPECT_EQ(schema.chains, 5);
  EXPECT_EQ(schema.first_chain, 100);
  EXPECT_EQ(schema.precision, Precision::kFloat64);
  EXPECT_EQ(schema.temperature, 2);
  EXPECT_EQ(schema.method, "mala");
  EXPECT_EQ(schema.seed, 7u);
  EXPECT_EQ(schema.experts, (std::vector<std::string>{"coat", "smooth"}));
  EXPECT_EQ(schema.variables[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(schema.variables[0].most, 1);
  EXPECT_EQ(schema.variables[1].most, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(schema.variables[0].held[5]));
  for (int64_t draw = 0; draw < 40; ++draw) {
    const Draw* one = reader.next();
    ASSERT_NE(one, nullptr);
    EXPECT_EQ(one->index, draw);
    EXPECT_EQ(one->step, 10 * (draw + 1));
    EXPECT_EQ(one->energy[4], ExampleRun::energy(draw, 4));
    EXPECT_EQ(one->expert_energy[5 + 4], -ExampleRun::energy(draw, 4));
    EXPECT_EQ(one->acceptance[1], 0.6);
    EXPECT_EQ(one->frozen[2], 0);
    EXPECT_EQ(static_cast<const double*>(one->position[0])[3 * 6 + 5], ExampleRun::image(draw, 3, 5));
    EXPECT_EQ(static_cast<const double*>(one->position[1])[2], ExampleRun::z(draw, 2));
  }
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.lost(), "");
}

TEST(DrawsTest, KeepsWhatWasAppendedWhenTheProcessIsKilled) {
  const Scratch scratch;
  const ExampleRun run;
  const pid_t child = fork();
  if (child == 0) {
    DrawsWriter writer(scratch.folder(), run.schema);
    for (int64_t draw = 0; draw < 7; ++draw) run.append<float>(writer, draw, -1);
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  DrawsReader reader(scratch.folder());
  int draws = 0;
  while (reader.next() != nullptr) ++draws;
  EXPECT_EQ(draws, 7);
  EXPECT_EQ(reader.lost(), "");
}

TEST(DrawsTest, ReadsUpToATornRecord) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 3, -1, 1 << 20);
  const auto part = scratch / "draws/0000.part";
  std::filesystem::resize_file(part, std::filesystem::file_size(part) - 100);
  DrawsReader reader(scratch.folder());
  int draws = 0;
  while (reader.next() != nullptr) ++draws;
  EXPECT_EQ(draws, 2);
  EXPECT_THAT(reader.lost(), HasSubstr("0000.part: the last record is torn: "));
}

TEST(DrawsTest, RefusesPartsThatAreNoDraws) {
  const Scratch scratch;
  const auto expect = [&](const std::string& header, const std::string& text) {
    std::filesystem::remove_all(scratch / "draws");
    { PartWriter parts(scratch / "draws", header); }
    EXPECT_THAT([&] { DrawsReader reader(scratch.folder()); }, ThrowsMessage<FileError>(HasSubstr(text))) << header;
  };
  expect("no JSON", "draws: the header: must be JSON, got an error: ");
  expect("{}", "draws: the header: must have the key 'variables', got none of that name");
  const std::string rest =
      R"(,"given":[],"experts":[],"first_chain":0,"precision":"float32","temperature":1,"method":"m","seed":1,"warmup":0,"thin":1,"created_at":"","version":""})";
  expect(R"({"chains":-1,"variables":[])" + rest, "the header must have sizes that fit, got chains = -1");
  expect(
      R"({"chains":1,"variables":[{"name":"x","shape":[-2],"categories":0,"least":null,"most":null,"held":[]}])" + rest,
      "draws: the header: variables[0].shape[0] must be a whole number >= 0, got -2");
  // 2^32 numbers in each of 2^32 chains.
  expect(
      R"({"chains":4294967296,"variables":[{"name":"x","shape":[4294967296],"categories":0,"least":null,"most":null,)"
      R"("held":[]}])" +
          rest,
      "the header must have sizes that fit, got chains = 4294967296");
  expect(R"({"chains":1.5,"variables":[])" + rest, "draws: the header: chains must be a whole number, got 1.5");
  expect(std::string(200, '[') + std::string(200, ']'),
         "draws: the header: must be JSON of at most 100 lists and objects inside each other, got more");
  std::filesystem::remove_all(scratch / "draws");
  {
    PartWriter parts(scratch / "draws", R"({"chains":1,"variables":[])" + rest);
    const std::vector<std::byte> record(8);
    const std::vector<std::span<const std::byte>> pieces = {record};
    parts.append(pieces);
  }
  DrawsReader reader(scratch.folder());
  // 24 bytes of start, energy, acceptance, frozen and diverged of one chain.
  EXPECT_THAT([&] { reader.next(); }, ThrowsMessage<FileError>(HasSubstr("a record must have 56 bytes, got 8")));
}

}  // namespace
}  // namespace potluck
