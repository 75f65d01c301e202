// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "compose/file/file.h"
#include "compose/file/included.h"
#include "compose/text/keys.h"
#include "core/sampling/run/run.h"

namespace potluck {

namespace {

using Json = nlohmann::ordered_json;

const std::map<Section, std::string>& section_names() {
  static const std::map<Section, std::string> names = {{Section::kVariable, "variable"},
                                                       {Section::kView, "view"},
                                                       {Section::kLeaf, "leaf"},
                                                       {Section::kReference, "reference"},
                                                       {Section::kProduct, "product"},
                                                       {Section::kProductTerm, "product_term"},
                                                       {Section::kMixture, "mixture"},
                                                       {Section::kMixtureBranch, "mixture_branch"},
                                                       {Section::kLogZ, "log_z"},
                                                       {Section::kNot, "not"},
                                                       {Section::kNotBody, "not_body"},
                                                       {Section::kTemper, "temper"},
                                                       {Section::kTemperBody, "temper_body"},
                                                       {Section::kHierarchy, "hierarchy"},
                                                       {Section::kEach, "each"},
                                                       {Section::kEachBody, "each_body"},
                                                       {Section::kGiven, "given"},
                                                       {Section::kSample, "sample"},
                                                       {Section::kUntil, "until"},
                                                       {Section::kBlock, "block"},
                                                       {Section::kAnneal, "anneal"},
                                                       {Section::kAnnealed, "annealed"},
                                                       {Section::kCooling, "cooling"},
                                                       {Section::kOutput, "output"},
                                                       {Section::kLearn, "learn"},
                                                       {Section::kLearnPhase, "learn_phase"},
                                                       {Section::kLearnUntil, "learn_until"},
                                                       {Section::kLearnNoise, "learn_noise"},
                                                       {Section::kLearnNegatives, "learn_negatives"},
                                                       {Section::kLearnSamples, "learn_samples"},
                                                       {Section::kLearnData, "learn_data"}};
  return names;
}

Json reference(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }
Json reference(Section section) { return reference(section_names().at(section)); }
Json any_of(std::vector<Json> all) { return {{"anyOf", std::move(all)}}; }
Json one_or_list(const Json& item) { return any_of({item, {{"type", "array"}, {"items", item}}}); }

/// A number in YAML, or one that YAML takes for text, such as 1/255 and inf.
Json number(double least, bool above, double most) {
  Json plain = {{"type", "number"}};
  if (std::isfinite(least)) plain[above ? "exclusiveMinimum" : "minimum"] = least;
  if (std::isfinite(most)) plain["maximum"] = most;
  return any_of({plain, {{"type", "string"}, {"pattern", "^[-+]?([0-9.eE+-]+(/[0-9.eE+-]+)?|\\.?inf)$"}}});
}

Json integer(double least, double most) {
  Json schema = {{"type", "integer"}};
  if (std::isfinite(least)) schema["minimum"] = static_cast<int64_t>(least);
  if (std::isfinite(most)) schema["maximum"] = static_cast<int64_t>(most);
  return schema;
}

/// What stands behind a key.
Json value_schema(const Key& key) {
  const Json text = {{"type", {"string", "number"}}};
  switch (key.expect) {
    case Expect::kNumber:
      return number(key.least, key.above, key.most);
    case Expect::kNumberOrAuto:
      return any_of({number(key.least, key.above, key.most), {{"const", "auto"}}});
    case Expect::kInteger:
      return integer(key.least, key.most);
    case Expect::kFlag:
      return {{"type", "boolean"}};
    case Expect::kChoice:
      return {{"enum", key.choices}};
    case Expect::kText:
      return {{"type", "string"}};
    case Expect::kIntegers:
      return one_or_list(integer(key.least, key.most));
    case Expect::kTexts:
      return one_or_list(text);
    case Expect::kNumbers:
      return reference("numbers");
    case Expect::kInterval:
      return {{"type", "array"}, {"items", number(key.least, false, key.most)}, {"minItems", 2}, {"maxItems", 2}};
    case Expect::kEnergy:
      return reference("energy");
    case Expect::kInputs:
      return any_of(
          {{{"type", "string"}},
           reference("numbers"),
           {{"type", "object"}, {"additionalProperties", any_of({{{"type", "string"}}, reference("numbers")})}}});
    case Expect::kLogZ:
      return any_of({number(key.least, false, key.most), {{"const", "estimate"}}, reference(key.section)});
    case Expect::kSettings:
      return {{"type", "object"}};
    case Expect::kSection:
      return reference(key.section);
    case Expect::kSectionMap:
      return {{"type", "object"}, {"additionalProperties", reference(key.section)}};
    case Expect::kEnergyMap:
      return {{"type", "object"}, {"additionalProperties", reference("energy")}};
    case Expect::kList: {
      Json item = reference(key.section);
      if (key.section == Section::kBlock) {
        item = any_of({{{"type", "array"}, {"items", text}, {"minItems", 1}}, item});
      } else if (key.section != Section::kGiven) {
        item = any_of({reference("energy"), item});
      }
      return {{"type", "array"}, {"items", item}};
    }
  }
  return {};
}

Json section_schema(Section section) {
  const KeyTable& table = key_table(section);
  Json schema = {{"title", table.what}, {"type", "object"}, {"properties", Json::object()}};
  std::vector<std::string> required;
  for (const Key& key : table.keys) {
    Json value = value_schema(key);
    value["description"] = key.summary;
    schema["properties"][key.name] = std::move(value);
    if (key.required) required.push_back(key.name);
  }
  if (!required.empty()) schema["required"] = required;
  schema["unevaluatedProperties"] = false;
  return schema;
}

Json word_schema(const SettingDescription& setting) {
  switch (setting.kind) {
    case SettingKind::kBool:
      return {{"type", "boolean"}};
    case SettingKind::kInteger:
      return integer(setting.least, setting.most);
    case SettingKind::kReal:
      if (setting.least == kPositive) return number(0, true, setting.most);
      return number(setting.least, false, setting.most);
    case SettingKind::kChoice:
      return {{"enum", setting.choices}};
    case SettingKind::kText:
    case SettingKind::kFile:
      return {{"type", {"string", "number"}}};
  }
  return {};
}

Json settings_schema(const std::vector<SettingDescription>& settings) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  std::vector<std::string> required;
  for (const SettingDescription& setting : settings) {
    Json value = setting.list ? one_or_list(word_schema(setting)) : word_schema(setting);
    value["description"] = setting.summary + " (" + describe_range(setting) + ")";
    schema["properties"][setting.name] = std::move(value);
    if (!setting.preset) required.push_back(setting.name);
  }
  if (!required.empty()) schema["required"] = required;
  return schema;
}

/// The options of each method, where a section names it; those of `preset` where it names none.
Json method_rules(const std::string& preset) {
  Json rules = Json::array();
  for (const MethodDescription& method : methods()) {
    Json condition = {{"properties", {{"method", {{"const", method.name}}}}}};
    if (method.name != preset) condition["required"] = {"method"};
    rules.push_back({{"if", condition}, {"then", settings_schema(method.options)}});
  }
  return rules;
}

/// The same of `negatives`, whose preset may choose the method too.
Json negatives_rules() {
  const Json unnamed = {{"not", {{"required", {"method"}}}}};
  const Json of_seed = {{"properties", {{"preset", {{"const", "seed"}}}}}, {"required", {"preset"}}};
  Json rules = method_rules("");
  rules.push_back({{"if", {{"allOf", Json::array({unnamed, of_seed})}}},
                   {"then", settings_schema(method("ebm_practice").options)}});
  rules.push_back({{"if", {{"allOf", Json::array({unnamed, Json{{"not", of_seed}}})}}},
                   {"then", settings_schema(method("langevin").options)}});
  return rules;
}

/// The inputs of a model with optional ones: which must be bound, which may be.
Json inputs_schema(const ModelKind& kind) {
  Json properties = Json::object();
  std::vector<std::string> required;
  for (const InputDescription& input : kind.inputs) {
    properties[input.name] = {{"description", input.summary + (input.optional ? " (optional)" : "")}};
    if (!input.optional) required.push_back(input.name);
  }
  return {{"if", {{"type", "object"}}},
          {"then", {{"properties", properties}, {"required", required}, {"additionalProperties", false}}}};
}

bool has_optional_inputs(const ModelKind& kind) {
  return std::any_of(kind.inputs.begin(), kind.inputs.end(), [](const InputDescription& one) { return one.optional; });
}

/// Settings that a leaf must have: files always, since weights do not say where they are; others where it has no
/// weights, whose metadata may say them.
void require_settings(const ModelKind& kind, Json& leaf) {
  std::vector<std::string> always, without_weights;
  for (const SettingDescription& setting : kind.settings) {
    if (setting.preset) continue;
    without_weights.push_back(setting.name);
    if (setting.kind == SettingKind::kFile) always.push_back(setting.name);
  }
  const auto demand = [](const std::vector<std::string>& names, Json& of) {
    if (names.empty()) return;
    of["required"] = {"settings"};
    of["properties"]["settings"]["required"] = names;
  };
  demand(always, leaf);
  if (without_weights.size() == always.size()) return;
  leaf["if"] = {{"not", {{"required", {"weights"}}}}};
  demand(without_weights, leaf["then"]);
}

/// The settings of each model that can be had now. Plugins that only a file names are not known here, so other names
/// of models are allowed.
Json model_rules(ModelSource& models) {
  Json rules = Json::array();
  for (const std::string& name : models.model_names()) {
    try {
      const ModelKind& kind = models.model(name);
      Json settings = settings_schema(kind.settings);
      settings.erase("required");
      settings["additionalProperties"] = false;
      Json then = {{"properties", {{"settings", settings}}}};
      require_settings(kind, then);
      if (has_optional_inputs(kind)) then["properties"]["inputs"] = inputs_schema(kind);
      rules.push_back(
          {{"if", {{"properties", {{"model", {{"const", name}}}}}, {"required", {"model"}}}}, {"then", then}});
    } catch (const PluginError&) {
      // A plugin that cannot be loaded has no settings to describe; `potluck plugins list` says why.
    }
  }
  return rules;
}

}  // namespace

std::string composition_schema(ModelSource& models) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Potluck composition"}};
  schema.update(section_schema(Section::kFile));
  schema["properties"]["potluck"]["maximum"] = kFormatVersion;
  Json& definitions = schema["$defs"];
  definitions["numbers"] = any_of(
      {number(-INFINITY, false, INFINITY), {{"type", "array"}, {"items", reference("numbers")}, {"minItems", 1}}});
  definitions["energy"] = any_of({{{"type", "string"}},
                                  reference(Section::kLeaf),
                                  reference(Section::kProduct),
                                  reference(Section::kMixture),
                                  reference(Section::kNot),
                                  reference(Section::kTemper),
                                  reference(Section::kHierarchy),
                                  reference(Section::kEach),
                                  reference(Section::kReference)});
  for (const auto& [section, name] : section_names()) definitions[name] = section_schema(section);
  definitions["leaf"]["properties"]["model"]["examples"] = models.model_names();
  definitions["leaf"]["allOf"] = model_rules(models);
  definitions["anneal"]["additionalProperties"] = reference(Section::kAnnealed);  // variables, by their names
  for (const char* section : {"sample", "block"}) definitions[section]["allOf"] = method_rules(SampleSettings().method);
  definitions["learn_negatives"]["allOf"] = negatives_rules();
  for (const MethodDescription& method : methods()) {
    definitions["sample"]["properties"]["method"]["enum"].push_back(method.name);
    if (!method.whole) definitions["block"]["properties"]["method"]["enum"].push_back(method.name);
  }
  return schema.dump(2) + "\n";
}

std::string model_schema(const ModelKind& kind) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Settings of " + kind.name},
                 {"description", kind.summary}};
  schema.update(settings_schema(kind.settings));
  schema["additionalProperties"] = false;
  return schema.dump(2) + "\n";
}

}  // namespace potluck
