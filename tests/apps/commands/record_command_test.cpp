// SPDX-License-Identifier: Apache-2.0
// run.json as the command writes it: the keys of every kind of run, in their order. The numbers in it belong to a
// processor; tests/compose/record holds what is made of them.
#include <fstream>
#include <string>
#include <vector>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using Record = nlohmann::ordered_json;

/// "options.step_size: number", one for each value; of a list its first item.
void list_keys(const Record& value, const std::string& path, std::vector<std::string>& keys) {
  if (value.is_object())
    for (const auto& [key, one] : value.items()) list_keys(one, path + "." + key, keys);
  else if (value.is_array() && !value.empty())
    list_keys(value.front(), path + ".[]", keys);
  else
    keys.push_back(path + ": " + value.type_name());
}

std::vector<std::string> keys_of(const Record& record) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : record.items())
    // Files are named by their places; LibTorch tells what it is where it is there.
    if (key != "files" && key != "libtorch" && key != "warnings") list_keys(value, key, keys);
  return keys;
}

class RecordCommandTest : public CommandTest {
 protected:
  void expect_keys_of(const std::string& golden, const std::string& run) {
    std::ifstream file(POTLUCK_SOURCE_DIR "/tests/compose/record/golden/" + golden + ".json");
    EXPECT_EQ(keys_of(Record::parse(read(run + "/run.json"))), keys_of(Record::parse(file))) << golden;
  }
  void draw(const std::vector<std::string>& words) {
    const CommandResult run = potluck(words);
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
};

const std::string kBounded = "variables: {x: {shape: [2], support: [-5, 5]}}\n";
const std::string kTwo =
    "energies: {a: {model: gaussian, inputs: x}, b: {model: gaussian, inputs: y}}\n"
    "target: {product: [{energy: a}, {energy: b}]}\n";

TEST_F(RecordCommandTest, EveryKindOfRunHasTheKeysThatItHad) {
  const std::string model = "target: {model: gaussian, inputs: x}\n";
  write("seed.yaml", kBounded + model + "sample: {chains: 8, warmup: 50, steps: 50, thin: 2}\n");
  write("sweep.yaml", "variables: {x: {shape: [2]}, y: {shape: [3]}}\n" + kTwo +
                          "sample: {chains: 8, warmup: 50, steps: 50, blocks: [{variables: [x], method: mala}, "
                          "{variables: [y], method: hmc}]}\n");
  write("ladder.yaml", kBounded + model + "sample: {method: parallel_tempering, chains: 8, warmup: 50, steps: 50}\n");
  write("mixture.yaml", kBounded +
                            "energies: {a: {model: gaussian, inputs: x}, b: {model: gaussian, inputs: x}}\n"
                            "target: {mixture: [{energy: a, weight: 1}, {energy: b, weight: 2}]}\n"
                            "sample: {chains: 8, warmup: 50, steps: 50, cooling: {from: 3, steps: 10}}\n");
  write("reflected.yaml", "variables: {x: {shape: [2], support: [-1, 1], walls: reflect}}\n" + model +
                              "sample: {method: mala, chains: 300, warmup: 50, steps: 50, precision: float64}\n");
  write("until.yaml", "variables: {x: {shape: [2]}}\n" + model +
                          "sample: {chains: 64, warmup: 100, steps: 4000, until: {rhat: 1.05, ess: 200}}\n");
  for (const std::string run : {"seed", "sweep", "ladder", "mixture", "reflected", "until"}) {
    draw({"sample", run + ".yaml", "--output", run});
    expect_keys_of(run, run);
  }
  draw({"sample", "seed.yaml", "--output", "resumed", "--checkpoint-every", "20"});
  draw({"sample", "--resume", "resumed", "--set", "sample.steps=80"});
  expect_keys_of("resumed", "resumed");
  draw({"evidence", "seed.yaml", "--particles", "256", "--repeats", "2", "--output", "estimate"});
  expect_keys_of("estimate", "estimate");
}

TEST_F(RecordCommandTest, RanksAndWhatJoinsThemHaveTheKeysThatTheyHad) {
  write("ranks.yaml", "variables: {x: {shape: [2], support: [-5, 5]}, y: {shape: [3]}}\n" + kTwo +
                          "sample: {chains: 600, warmup: 50, steps: 50}\n");
  for (const char* rank : {"0", "1"})
    draw({"sample", "ranks.yaml", "--output", "ranks", "--rank", rank, "--world", "2"});
  draw({"merge", "ranks"});
  expect_keys_of("rank-0000", "ranks/rank-0000");
  expect_keys_of("merged", "ranks");
}

// What a kill leaves, and what export makes of it.
TEST_F(RecordCommandTest, AnExportedRunHasTheKeysThatItHad) {
  write("killed.yaml",
        "variables: {x: {shape: [3, 4]}}\ntarget: {model: gaussian, inputs: x}\n"
        "sample: {chains: 64, warmup: 30, steps: 100, thin: 1, checkpoint_every: 20}\n"
        "output: {pictures: []}\n");
  draw({"sample", "killed.yaml", "--output", "killed"});
  std::ifstream file(POTLUCK_SOURCE_DIR "/tests/compose/record/golden/killed.json");
  write("killed/run.json", std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()));
  expect_keys_of("killed", "killed");
  draw({"export", "killed"});
  expect_keys_of("exported", "killed");
}

}  // namespace
}  // namespace potluck::testing
