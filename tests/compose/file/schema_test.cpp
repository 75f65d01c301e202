// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compose/text/keys.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

using nlohmann::json;

/// Every "$ref" below `value`.
void collect_references(const json& value, std::vector<std::string>& into) {
  if (value.is_object() && value.contains("$ref")) into.push_back(value["$ref"]);
  if (value.is_structured())
    for (const json& below : value) collect_references(below, into);
}

TEST(SchemaTest, EveryReferenceLeadsToADefinition) {
  TableOfModels models;
  const json schema = json::parse(composition_schema(models));
  std::vector<std::string> references;
  collect_references(schema, references);
  EXPECT_GT(references.size(), 30u);
  for (const std::string& one : references) EXPECT_TRUE(schema.contains(json::json_pointer(one.substr(1)))) << one;
}

TEST(SchemaTest, HoldsTheKeysThatValidate) {
  TableOfModels models;
  const json schema = json::parse(composition_schema(models));
  const auto keys = [](const json& object) {
    std::vector<std::string> all;
    for (const auto& [key, value] : object["properties"].items()) all.push_back(key);
    return all;
  };
  EXPECT_THAT(keys(schema), testing::UnorderedElementsAreArray(key_table(Section::kFile).names()));
  EXPECT_THAT(keys(schema["$defs"]["mixture_branch"]), testing::ElementsAre("energy", "inputs", "log_z", "weight"));
  EXPECT_EQ(schema["required"], json({"variables", "target"}));
  EXPECT_EQ(schema["unevaluatedProperties"], false);
  EXPECT_EQ(schema["properties"]["potluck"]["maximum"], 1);
  EXPECT_EQ(schema["$defs"]["sample"]["properties"]["chains"]["minimum"], 1);
  // A strength is > 0, a share >= 0.
  EXPECT_EQ(schema["$defs"]["not_body"]["properties"]["strength"]["anyOf"][0]["exclusiveMinimum"], 0);
  EXPECT_EQ(schema["$defs"]["mixture_branch"]["properties"]["weight"]["anyOf"][0]["minimum"], 0);
}

TEST(SchemaTest, KnowsTheSettingsOfEachModelAndTheOptionsOfEachMethod) {
  TableOfModels models;
  const json schema = json::parse(composition_schema(models));
  bool network = false;
  for (const json& rule : schema["$defs"]["leaf"]["allOf"]) {
    if (rule["if"]["properties"]["model"]["const"] != "network") continue;
    network = true;
    EXPECT_EQ(rule["then"]["properties"]["settings"]["required"], json({"network"}));
    EXPECT_EQ(rule["then"]["required"], json({"settings"}));
    EXPECT_FALSE(rule["then"].contains("if")) << "weights say nothing of files";
  }
  EXPECT_TRUE(network);
  bool step_size = false;
  for (const json& rule : schema["$defs"]["sample"]["allOf"]) {
    if (rule["if"]["properties"]["method"]["const"] != "mala") continue;
    step_size = rule["then"]["properties"].contains("step_size");
    EXPECT_FALSE(rule["if"].contains("required")) << "mala is meant where no method is named";
  }
  EXPECT_TRUE(step_size);
}

/// Has a setting and a file that must be given, and a setting that need not.
class OneModel final : public TableOfModels {
 public:
  OneModel() {
    kind_.name = "coupled";
    kind_.inputs = {{"x", false, false, ""}};
    kind_.settings = {
        {.name = "coupling"}, {.name = "table", .kind = SettingKind::kFile}, {.name = "scale", .preset = "1"}};
  }
  const ModelKind& model(const std::string&) override { return kind_; }
  std::vector<std::string> model_names() override { return {kind_.name}; }

 private:
  ModelKind kind_;
};

TEST(SchemaTest, WeightsMaySayWhatALeafLeavesOutButNoFiles) {
  OneModel models;
  const json rules = json::parse(composition_schema(models))["$defs"]["leaf"]["allOf"];
  ASSERT_EQ(rules.size(), 1u);
  const json& leaf = rules[0]["then"];
  EXPECT_EQ(leaf["required"], json({"settings"}));
  EXPECT_EQ(leaf["properties"]["settings"]["required"], json({"table"}));
  EXPECT_EQ(leaf["if"], json::parse(R"({"not": {"required": ["weights"]}})"));
  EXPECT_EQ(leaf["then"]["required"], json({"settings"}));
  EXPECT_EQ(leaf["then"]["properties"]["settings"]["required"], json({"coupling", "table"}));
}

TEST(SchemaTest, AModelWithOptionalInputsSaysWhichMustBeBound) {
  TableOfModels models;
  const json schema = json::parse(composition_schema(models));
  for (const json& rule : schema["$defs"]["leaf"]["allOf"]) {
    const bool optional = rule["if"]["properties"]["model"]["const"] == "noisy";
    const json& properties = rule["then"]["properties"];
    ASSERT_EQ(properties.contains("inputs"), optional);
    if (!optional) continue;
    const json& inputs = properties["inputs"]["then"];
    EXPECT_EQ(inputs["required"], json({"x"}));
    EXPECT_EQ(inputs["properties"]["noise"]["description"], "their spread (optional)");
    EXPECT_EQ(inputs["properties"]["x"]["description"], "numbers");
    EXPECT_EQ(inputs["additionalProperties"], false);
  }
}

TEST(SchemaTest, ABlockIsAListOfNamesOrAMapWithAMethodThatCanMoveAPart) {
  TableOfModels models;
  const json schema = json::parse(composition_schema(models));
  const json& block = schema["$defs"]["sample"]["properties"]["blocks"]["items"]["anyOf"];
  EXPECT_EQ(block[0]["type"], "array");
  EXPECT_EQ(block[1]["$ref"], "#/$defs/block");
  EXPECT_EQ(schema["$defs"]["block"]["required"], json({"variables", "method"}));
  const json& methods = schema["$defs"]["block"]["properties"]["method"]["enum"];
  EXPECT_TRUE(std::count(methods.begin(), methods.end(), "mala") == 1);
  EXPECT_TRUE(std::count(methods.begin(), methods.end(), "ebm_practice") == 0);
  EXPECT_EQ(schema["$defs"]["block"]["allOf"], schema["$defs"]["sample"]["allOf"]);
}

TEST(SchemaTest, AnAnnealHasKeysAndVariables) {
  TableOfModels models;
  const json anneal = json::parse(composition_schema(models))["$defs"]["anneal"];
  EXPECT_EQ(anneal["required"], json({"levels"}));
  EXPECT_EQ(anneal["properties"]["temperature"]["$ref"], "#/$defs/annealed");
  EXPECT_EQ(anneal["properties"]["spacing"]["enum"], json({"geometric", "karras", "linear"}));
  EXPECT_EQ(anneal["properties"]["predictor"]["type"], "boolean");
  EXPECT_EQ(anneal["properties"]["step_size"]["anyOf"].back(), json({{"const", "auto"}}));
  EXPECT_EQ(anneal["additionalProperties"]["$ref"], "#/$defs/annealed");
}

TEST(SchemaTest, AModelsSettingsStandAlone) {
  TableOfModels models;
  const json schema = json::parse(model_schema(models.model("gaussian")));
  EXPECT_EQ(schema["title"], "Settings of gaussian");
  EXPECT_EQ(schema["properties"]["covariance"]["enum"], json({"full", "diagonal"}));
  EXPECT_EQ(schema["properties"]["scale"]["anyOf"][0]["minimum"], 0);
  EXPECT_EQ(schema["properties"]["mean"]["anyOf"][1]["type"], "array");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_FALSE(schema.contains("required"));
}

}  // namespace
}  // namespace potluck
