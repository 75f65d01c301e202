// SPDX-License-Identifier: Apache-2.0
#include "compose/file/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compose/file/learn_data.h"
#include "compose/text/keys.h"
#include "compose/text/times.h"
#include "compose/tree/coordinates.h"

namespace potluck {

namespace {

/// Reads the keys of a section of one table; where it is silent a value stays as it is.
class SectionReader {
 public:
  SectionReader(const Yaml& section, Section table, std::string what, Diagnostics& diagnostics)
      : section_(section), table_(key_table(table)), what_(std::move(what)), diagnostics_(diagnostics) {}

  void number(const char* key, double& to) const {
    if (const auto found = number(key)) to = *found;
  }
  std::optional<double> number(const char* key) const {
    const Yaml* value = section_.find(key);
    if (!value) return std::nullopt;
    return read_number(*value, table_.key(key), path(key), diagnostics_);
  }
  void integer(const char* key, int64_t& to) const {
    const Yaml* value = section_.find(key);
    if (value) to = read_integer(*value, table_.key(key), path(key), diagnostics_).value_or(to);
  }
  /// The place of the value among the choices of its key.
  template <class Choice>
  void choice(const char* key, Choice& to) const {
    const Yaml* value = section_.find(key);
    if (!value) return;
    const std::vector<std::string>& choices = table_.key(key).choices;
    const auto text = read_text(*value, table_.key(key), path(key), diagnostics_);
    const auto at = text ? std::find(choices.begin(), choices.end(), *text) : choices.end();
    if (at != choices.end()) to = static_cast<Choice>(at - choices.begin());
  }
  std::string path(const char* key) const { return what_ + "." + key; }

 private:
  const Yaml& section_;
  const KeyTable& table_;
  std::string what_;
  Diagnostics& diagnostics_;
};

NoiseSettings read_noise(const Yaml& section, const std::string& what, NoiseSettings noise, Diagnostics& diagnostics) {
  if (!check_keys(section, Section::kLearnNoise, what, diagnostics)) return noise;
  const SectionReader reader(section, Section::kLearnNoise, what, diagnostics);
  for (const auto& [key, to] : {std::pair{"log_mean", &noise.log_mean}, std::pair{"log_sd", &noise.log_sd},
                                std::pair{"least", &noise.least}, std::pair{"most", &noise.most}})
    if (const auto found = reader.number(key)) *to = found;
  if (noise.least && noise.most && *noise.least > *noise.most)
    diagnostics.add(section.place, fmt::format("{}.least must be <= {}.most, got {:g} and {:g}", what, what,
                                               *noise.least, *noise.most));
  return noise;
}

Budget read_until(const Yaml& section, const std::string& what, Diagnostics& diagnostics) {
  Budget budget;
  if (!check_keys(section, Section::kLearnUntil, what, diagnostics)) return budget;
  SectionReader(section, Section::kLearnUntil, what, diagnostics).integer("updates", budget.updates);
  if (const Yaml* time = section.find("time"))
    budget.seconds = read_time(*time, what + ".time", diagnostics).value_or(1);
  return budget;
}

/// What a section says of a phase, beside what stands in `phase` already.
LearnPhase read_phase(const Yaml& section, Section table, const std::string& what, LearnPhase phase,
                      Diagnostics& diagnostics) {
  const SectionReader reader(section, table, what, diagnostics);
  phase.place = section.place;
  if (const Yaml* objective = section.find("objective")) {
    phase.place = objective->place;
    phase.objective =
        read_text(*objective, key_table(table).key("objective"), what + ".objective", diagnostics).value_or("");
  }
  if (const Yaml* noise = section.find("noise"))
    phase.noise = read_noise(*noise, what + ".noise", phase.noise, diagnostics);
  if (const Yaml* until = section.find("until"))
    phase.trainer.budget = read_until(*until, what + ".until", diagnostics);
  reader.choice("optimiser", phase.optimiser.kind);
  reader.number("beta1", phase.optimiser.beta1);
  reader.number("beta2", phase.optimiser.beta2);
  reader.number("momentum", phase.optimiser.momentum);
  reader.number("weight_decay", phase.optimiser.weight_decay);
  reader.number("rate", phase.trainer.rate.rate);
  reader.integer("rate_warmup", phase.trainer.rate.warm_up);
  reader.choice("decay", phase.trainer.rate.decay);
  reader.integer("batch", phase.trainer.batch);
  reader.number("clip", phase.trainer.clip);
  reader.number("average", phase.trainer.average);
  return phase;
}

void check_budget(const LearnPhase& phase, const std::string& what, Diagnostics& diagnostics) {
  if (phase.trainer.budget.updates == 0 && phase.trainer.budget.seconds == 0)
    diagnostics.add(phase.place,
                    fmt::format("{} must say when the training ends, got nothing. Add until: {{time: 10min}} "
                                "or until: {{updates: 10000}}",
                                what));
}

void read_phases(const Yaml& section, LearnSettings& learn, Diagnostics& diagnostics) {
  const LearnPhase common = read_phase(section, Section::kLearn, "learn", LearnPhase{}, diagnostics);
  const Yaml* phases = section.find("phases");
  if (!phases) {
    check_budget(common, "learn", diagnostics);
    learn.phases = {common};
    return;
  }
  if (!phases->is_list() || phases->list.empty()) {
    diagnostics.add(phases->place, fmt::format("learn.phases must be a list of maps, got {}", phases->describe()));
    return;
  }
  for (size_t i = 0; i < phases->list.size(); ++i) {
    const std::string what = fmt::format("learn.phases[{}]", i);
    if (!check_keys(phases->list[i], Section::kLearnPhase, what, diagnostics)) continue;
    learn.phases.push_back(read_phase(phases->list[i], Section::kLearnPhase, what, common, diagnostics));
    check_budget(learn.phases.back(), what, diagnostics);
  }
}

void collect_noise(const Node& node, std::set<const Node*>& seen, std::set<int>& found) {
  if (!seen.insert(&node).second) return;
  if (const auto* leaf = std::get_if<Leaf>(&node.kind))
    for (size_t i = 0; i < leaf->inputs.size(); ++i)
      if (leaf->kind->inputs[i].name == kNoiseInput && leaf->inputs[i].variable >= 0)
        found.insert(leaf->inputs[i].variable);
  for (const NodePointer& child : children(node)) collect_noise(*child, seen, found);
}

/// The one real number that inputs called `noise` read and that has no data.
std::optional<int> noise_variable(const Node& target, const Scope& scope, const LearnSettings& learn,
                                  Diagnostics& diagnostics) {
  std::set<const Node*> seen;
  std::set<int> found;
  collect_noise(target, seen, found);
  std::erase_if(found, [&](int v) { return learn.has_data(v); });
  if (found.empty()) return std::nullopt;
  const Variable& first = scope.variables[static_cast<size_t>(*found.begin())];
  if (found.size() > 1 || first.categorical() || first.size() != 1) {
    diagnostics.add(learn.place,
                    fmt::format("inputs called '{}' must all read one variable of one real number, got {}", kNoiseInput,
                                found.size() > 1 ? "several variables" : "'" + first.name + "'"));
    return std::nullopt;
  }
  return *found.begin();
}

}  // namespace

std::optional<LearnSettings> read_learn(const Yaml& section, const Scope& scope, const Node& target, SourceFiles& files,
                                        Diagnostics& diagnostics) {
  const size_t before = diagnostics.size();
  if (!check_keys(section, Section::kLearn, "learn", diagnostics)) return std::nullopt;
  LearnSettings learn;
  learn.place = section.place;
  const SectionReader reader(section, Section::kLearn, "learn", diagnostics);
  int64_t seed = learn.seed;
  reader.integer("seed", seed);
  reader.integer("report_every", learn.report_every);
  learn.seed = static_cast<uint32_t>(seed);
  read_phases(section, learn, diagnostics);
  if (const Yaml* experts = section.find("experts")) {
    learn.experts = read_texts(*experts, "learn.experts", diagnostics).value_or(learn.experts);
    for (size_t i = 0; i < learn.experts.size(); ++i)
      learn.expert_places.push_back(experts->is_list() ? experts->list[i].place : experts->place);
  }
  learn.files = read_learn_data(section, scope, files, diagnostics);
  if (diagnostics.size() > before) return std::nullopt;
  learn.noise = noise_variable(target, scope, learn, diagnostics);
  if (diagnostics.size() > before) return std::nullopt;
  return learn;
}

void load_data(const std::vector<Variable>& variables, Precision precision, LearnSettings& learn,
               std::map<std::string, std::string>& hashes, Diagnostics& diagnostics) {
  std::optional<LoadedData> loaded = load_learn_data(learn.files, variables, diagnostics);
  if (!loaded) return;
  hashes.merge(loaded->files);
  learn.data = std::make_shared<const TrainingData>(variables, std::move(loaded->columns),
                                                    TrainingData::Options{learn.files.hold_out, learn.seed, precision});
}

}  // namespace potluck
