// SPDX-License-Identifier: Apache-2.0
#include "compose/record/record_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "compose/record/merged_facts.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/record/run_products.h"
#include "core/error.h"
#include "tests/compose/record/golden.h"

namespace potluck::testing {
namespace {

/// All that is made of a record that was read, by `potluck export`, `merge` and --resume.
void use(const std::string& text) {
  RunFacts facts = facts_of(parse_record(text, "run.json"));
  const RunFigures figures = figures_of(facts);
  to_json(merged_facts({{&facts, "run/rank-0000", 8}, {&facts, "run/rank-0001", 8}}, "run"));
  run_identity(facts);
  note_verdict(facts, run_verdict(figures));
  all_are_made(facts);
  to_json(facts).dump();
}

/// Calls `change` with every value of the record in turn, which it may replace and must leave as it was.
void at_every_value(RunRecord& value, const std::string& path,
                    const std::function<void(RunRecord&, const std::string&)>& change) {
  change(value, path);
  if (!value.is_structured()) return;
  for (auto& [key, inner] : value.items()) at_every_value(inner, path + "." + key, change);
}

// Whatever stands in a value's place, or where it is missing: the record is used, or refused with the name of the file.
TEST(RecordShapeTest, NoValueOfAnotherKindIsAFaultOfPotluck) {
  const auto expect_used_or_refused = [](const RunRecord& record, const std::string& path, const char* how) {
    try {
      use(record.dump());
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("run.json")) << path << how;
    } catch (const std::exception& error) {
      ADD_FAILURE() << path << how << ": " << error.what();
    }
  };
  size_t values = 0;
  for (const std::string name : {"mixture", "ladder"}) {
    RunRecord record = RunRecord::parse(golden_text(name));
    record["frozen"] = {
        {{"chain", 1}, {"step", 2}, {"expert_energy", {{"a", nullptr}}}, {"not_finite", {{"a", "inf"}}}}};
    record["not_made"] = {{"files", {{"draws.nc", "no room"}}}, {"state", "done"}, {"why_stopped", "all steps done"}};
    record["log_z"] = RunRecord::array();
    expect_used_or_refused(record, "", " as it is");
    at_every_value(record, "", [&](RunRecord& value, const std::string& path) {
      if (&value == &record) return;
      ++values;
      const RunRecord before = value;
      for (const RunRecord& other :
           {RunRecord(5), RunRecord(-5), RunRecord(1.5), RunRecord("text"), RunRecord(true), RunRecord(nullptr),
            RunRecord::array(), RunRecord::object(), RunRecord::array({1, "a", nullptr}), RunRecord({{"key", 1}})}) {
        value = other;
        expect_used_or_refused(record, path, (" = " + other.dump()).c_str());
      }
      value = before;
      if (!before.is_object()) return;
      for (const auto& [key, inner] : before.items()) {
        value.erase(key);
        expect_used_or_refused(record, path + "." + key, " missing");
        value = before;
      }
    });
    // Of the record itself.
    const RunRecord whole = record;
    for (const auto& [key, inner] : whole.items()) {
      record.erase(key);
      expect_used_or_refused(record, key, " missing");
      record = whole;
    }
  }
  EXPECT_GT(values, 200u);
}

}  // namespace
}  // namespace potluck::testing
