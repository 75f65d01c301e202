// SPDX-License-Identifier: Apache-2.0
// A program that embeds Potluck writes the folder of a run as the command does, with the library alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "compose/record/new_run_facts.h"
#include "compose/record/run_course.h"
#include "compose/record/run_facts_json.h"
#include "compose/record/run_folder.h"
#include "compose/record/run_identity.h"
#include "compose/record/run_products.h"
#include "compose/record/run_record.h"
#include "compose/record/run_recorders.h"
#include "core/version.h"
#include "tests/compose/small_models.h"
#include "tests/compose/table_of_models.h"
#include "tests/core/files/run/opened_parts.h"

namespace potluck::testing {
namespace {

/// One model of this program.
class OwnModel final : public ModelSource {
 public:
  void add_place(const std::filesystem::path&, const std::string&, bool) override {}
  const ModelKind& model(const std::string&) override { return quartic(); }
  std::vector<std::string> model_names() override { return {"quartic"}; }
};

DrawsSchema schema_of(const Session& session) {
  const Composition& composition = session.composition();
  DrawsSchema schema = draws_schema(composition.variables, composition.held);
  schema.experts = session.plan().experts();
  schema.chains = composition.sample.chains;
  schema.precision = composition.sample.precision;
  schema.method = composition.sample.method;
  schema.seed = composition.sample.seed;
  schema.warmup = composition.sample.warmup;
  schema.created_at = time_now();
  schema.version = kVersion;
  return schema;
}

TEST(EmbeddedRunTest, LeavesTheFolderOfARunAndReadsItBack) {
  const ScratchFolder scratch;
  SessionOptions options;
  options.file = scratch.write("scene.yaml",
                               "variables: {x: {shape: [3, 4]}}\n"
                               "target: {model: quartic, inputs: x}\n"
                               "sample: {method: mala, chains: 8, warmup: 50, steps: 50, precision: float64}\n");
  OwnModel models;
  Session session(options, models);
  session.prepare(Session::Purpose::kRun);

  RunFolder folder(scratch / "run", /*overwrite=*/false);
  RunFacts facts = new_run_facts(session, {{"own_program", "draw"}, (scratch / "").string(), std::nullopt}, {"x"},
                                 [](const char*) -> const char* { return nullptr; });
  note_folder(facts.command, folder.path());
  write_record(folder.path(), facts);
  EXPECT_EQ(read_record(folder.path()).standing.state, "running");

  DrawsWriter writer(folder.path(), schema_of(session));
  DrawsRecorder draws(writer);
  LastWords last_words(folder.path(), to_json(facts));
  BeginningRecorder beginning(folder.path(), facts, last_words);
  CheckpointRecorder checkpoints(folder.path(), run_identity(facts), writer);
  const std::atomic<bool> stop = false;
  const RunSummary summary = session.run(std::vector<Observer*>{&draws, &beginning, &checkpoints}, stop,
                                         {.rank = {}, .until = nullptr, .checkpoint = {}});
  writer.finish();
  note_end(facts, summary);
  OpenedParts opened(folder.path());
  std::vector<std::string> said;
  const RunProducts products = make_run_products(
      folder.path(), facts.sampling->pictures, figures_of(facts), [&] { return writer.end(); },
      [&](const std::string& text) { said.push_back(text); });
  // The whole end of a run looks at each part once.
  EXPECT_EQ(opened.count(), (std::map<std::string, int>{{"0000.part", 1}}));
  EXPECT_EQ(said, (std::vector<std::string>{"writing draws.nc", "writing the summary", "drawing pictures"}));
  note_verdict(facts, products.verdict);
  add_not_made(facts, products.not_made);
  write_record(folder.path(), facts);
  last_words.withdraw();
  folder.publish();

  for (const char* file : {"draws.nc", "summary.json", "summary.nc", "state.safetensors", "pictures/x-mean.png",
                           "checkpoint/latest", "run.json"})
    EXPECT_TRUE(std::filesystem::exists(scratch / ("run/" + std::string(file)))) << file;
  const RunFacts there = read_record(scratch / "run");
  EXPECT_EQ(to_json(there), to_json(facts));
  EXPECT_EQ(there.standing.state, "done");
  EXPECT_EQ(there.end->draws, 50);
  EXPECT_EQ(products.summary.draws, 50);
  EXPECT_EQ(there.verdict->text, products.verdict.text());
}

}  // namespace
}  // namespace potluck::testing
