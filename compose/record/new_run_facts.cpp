// SPDX-License-Identifier: Apache-2.0
#include "compose/record/new_run_facts.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include "compose/file/sample.h"
#include "compose/record/run_course.h"
#include "compose/session/device.h"
#include "core/backend/cpu_rows.h"
#include "core/energy/transform.h"
#include "core/methods/method.h"
#include "core/version.h"
#include "plugins/library.h"
#include "plugins/libtorch_products.h"

namespace potluck {
namespace {

std::vector<PluginFacts> plugins_of(const Session& session) {
  // By file: several models of one plugin are one entry.
  std::map<std::string, PluginFacts> plugins;
  for (const ModelKind* kind : session.models()) {
    PluginFacts& plugin = plugins[kind->plugin_file];
    plugin.id = kind->plugin_id;
    plugin.version = kind->plugin_version;
    plugin.file = kind->plugin_file;
    plugin.sha256 = kind->plugin_sha256;
    plugin.models.push_back(kind->name);
  }
  std::vector<PluginFacts> list;
  for (auto& [file, plugin] : plugins) list.push_back(std::move(plugin));
  return list;
}

std::vector<VariableFacts> variables_of(const Composition& composition) {
  std::vector<VariableFacts> list;
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    VariableFacts entry{variable.name, variable.shape, 0, std::nullopt, false};
    for (const uint8_t coordinate : composition.held[v].mask) entry.held += coordinate != 0 ? 1 : 0;
    if (variable.categorical()) entry.categories = variable.categories;
    entry.transformed = is_transformed(variable, composition.held[v]);
    list.push_back(std::move(entry));
  }
  return list;
}

RunRecord method_options(const std::string& name, const std::vector<SettingValue>& values) {
  const MethodDescription& description = method(name);
  RunRecord options = RunRecord::object();
  for (size_t i = 0; i < description.options.size() && i < values.size(); ++i) {
    const SettingDescription& option = description.options[i];
    const SettingValue& value = values[i];
    RunRecord words = RunRecord::array();
    for (const int64_t number : value.integer) {
      if (option.kind == SettingKind::kChoice)
        words.push_back(option.choices.at(static_cast<size_t>(number)));
      else if (option.kind == SettingKind::kBool)
        words.push_back(number != 0);
      else
        words.push_back(number);
    }
    // A word such as `step_size: auto` is held as NaN.
    for (const double number : value.real)
      words.push_back(std::isnan(number) && !option.choices.empty() ? RunRecord(option.choices[0]) : RunRecord(number));
    for (const std::string& text : value.text) words.push_back(text);
    options[option.name] = option.list || words.size() != 1 ? words : RunRecord(words[0]);
  }
  return options;
}

/// What changes the code that LibTorch and its linear algebra choose.
constexpr const char* kDispatchVariables[] = {"ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS",
                                              "ONEDNN_MAX_CPU_ISA"};

/// How the models' own arithmetic is dispatched on the CPU; null where no model uses LibTorch. The threads of a product
/// are not in it: a tile's products are made on one.
RunRecord libtorch_of(const Session& session, const EnvironmentVariable& variable) {
  const std::vector<const ModelKind*> models = session.models();
  if (std::none_of(models.begin(), models.end(), [](const ModelKind* kind) { return kind->plugin_torch != "none"; }))
    return nullptr;
  RunRecord record = {{"build", libtorch_build()}};
  if (const auto products = libtorch_products()) {
    record["kernels"] = products->kernels;
    record["linear_algebra"] = products->library;
    record["product_bits"] = {{"float32", products->float32_bits}, {"float64", products->float64_bits}};
  }
  record["environment"] = RunRecord::object();
  for (const char* name : kDispatchVariables)
    if (const char* value = variable(name)) record["environment"][name] = value;
  return record;
}

/// What warm-up tunes towards, the mean over the parts of a step; none where one of them is not tuned to anything.
std::optional<double> wanted_acceptance(Method& method) {
  double sum = 0, count = 0;
  for (const MethodPart& part : method.parts()) {
    if (part.method->description().labels) continue;  // draws them, and decides nothing
    const auto wanted = part.method->tuning().acceptance;
    if (!wanted) return std::nullopt;
    sum += *wanted;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

AnnealFacts facts_of(const Schedule& schedule, const std::vector<Variable>& variables) {
  AnnealFacts anneal{schedule.temperature,      {},
                     schedule.levels,           schedule.steps,
                     name_of(schedule.spacing), schedule.predictor,
                     schedule.step_by_level,    schedule.noisy_given,
                     schedule.step_size};
  for (const GivenNumber& number : schedule.given)
    anneal.given.emplace_back(variables[static_cast<size_t>(number.variable)].name, number.from);
  return anneal;
}

/// As sample.anneal says it, and as cooling what is no more than that.
void note_schedule(const Schedule& schedule, const std::vector<Variable>& variables, SamplingAsked& asked) {
  if (!schedule.any()) return;
  if (schedule.temperature && schedule.given.empty() && schedule.steps == 1 && schedule.spacing == Spacing::kGeometric)
    asked.cooling = CoolingFacts{*schedule.temperature, schedule.levels};
  asked.anneal = facts_of(schedule, variables);
}

SamplingAsked sampling_of(const Session& session, const std::vector<std::string>& pictures) {
  const SampleSettings& sample = session.composition().sample;
  const std::unique_ptr<Method> method = make_method(run_options(sample));
  SamplingAsked asked;
  asked.method = method->description().name;
  asked.exact_method = method->description().exact;
  if (sample.blocks.empty()) asked.options = method_options(sample.method, sample.method_values);
  for (const BlockOptions& block : sample.blocks)
    asked.blocks.push_back({block.variables, block.method, method_options(block.method, block.values), {}, {}});
  asked.wanted_acceptance = wanted_acceptance(*method);
  asked.chains = sample.chains;
  asked.superchain = sample.superchain;
  note_schedule(sample.anneal, session.composition().variables, asked);
  asked.warmup = sample.warmup;
  asked.steps = sample.steps;
  asked.thin = sample.thin;
  asked.pictures = pictures;
  asked.hard_walls = session.plan().hard_walls();
  if (!session.plan().mixtures().mixtures.empty()) asked.mixtures = session.plan().mixtures();
  return asked;
}

Surroundings surroundings_of(const Session& session, const EnvironmentVariable& variable) {
  const Composition& composition = session.composition();
  Surroundings around;
  around.device = device_name(session.device());
  around.threads = session.options().threads;
  around.machine = MachineFacts{processor_name(), instruction_level(), row_kernels().name, __VERSION__};
  around.libtorch = libtorch_of(session, variable);
  around.variables = variables_of(composition);
  around.experts = session.plan().experts();
  around.plugins = plugins_of(session);
  around.files = composition.files;
  around.file_text = composition.piped;
  around.log_z = session.estimates();
  around.explanation = session.plan().explanation();
  around.composition = composition.resolved;
  return around;
}

RunFacts new_facts(const Session& session, TypedCommand command, const EnvironmentVariable& variable) {
  const SampleSettings& sample = session.composition().sample;
  RunFacts facts;
  facts.potluck = kVersion;
  facts.standing.started = time_now();
  facts.command = std::move(command);
  facts.file = session.composition().file;
  facts.seed = sample.seed;
  facts.temperature = sample.temperature;
  facts.precision = sample.precision == Precision::kFloat32 ? "float32" : "float64";
  facts.surroundings = surroundings_of(session, variable);
  facts.warnings = session.warnings();
  return facts;
}

}  // namespace

RunFacts new_run_facts(const Session& session, TypedCommand command, const std::vector<std::string>& pictures,
                       const EnvironmentVariable& variable) {
  RunFacts facts = new_facts(session, std::move(command), variable);
  facts.sampling = sampling_of(session, pictures);
  facts.start = session.start().description();
  return facts;
}

RunFacts new_evidence_facts(const Session& session, const EvidenceAsked& asked, TypedCommand command,
                            const EnvironmentVariable& variable) {
  RunFacts facts = new_facts(session, std::move(command), variable);
  facts.annealing = AnnealingAsked{asked.options.particles, asked.repeats, asked.options.moves, asked.options.base.mean,
                                   asked.options.base.scale};
  if (!asked.along) return facts;
  const Composition& composition = session.composition();
  facts.annealing->along = facts_of(composition.sample.anneal, composition.variables);
  if (asked.find_levels) facts.annealing->along->levels = 0;
  return facts;
}

RunFacts new_training_facts(const Session& session, TrainingAsked asked, TypedCommand command,
                            const EnvironmentVariable& variable) {
  RunFacts facts = new_facts(session, std::move(command), variable);
  facts.training = std::move(asked);
  facts.seed = session.composition().learn->seed;
  return facts;
}

}  // namespace potluck
