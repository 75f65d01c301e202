// SPDX-License-Identifier: Apache-2.0
#include "compose/file/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compose/file/learn_data.h"
#include "compose/file/sample.h"
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

/// The published recipes, in units of data of [-1, 1] or so.
struct NegativePreset {
  std::string method = "langevin";
  OptionWords words;  ///< of its options
  ContrastiveOptions options;
};

/// Du & Mordatch 2019, section 4, and their code: 60 steps, a buffer of 10 000, 5 % fresh, L2 of the energies.
NegativePreset of_seed() {
  NegativePreset preset{"ebm_practice", {}, {}};
  preset.options.negatives.steps = 60;
  preset.options.energy_l2 = 1;
  return preset;
}

/// Nijkamp et al. 2020, section 4: 500 steps with the noise that belongs to their size, epsilon 0.015, where ours is
/// epsilon^2 / 2; chains that go on for ever.
NegativePreset of_convergent() {
  NegativePreset preset{"langevin", {{"step_size", "1.125e-4"}}, {}};
  preset.options.negatives.steps = 500;
  preset.options.negatives.restart = 0;
  return preset;
}

std::vector<size_t> read_conditions(const Yaml& value, const std::string& what, const Scope& scope,
                                    Diagnostics& diagnostics) {
  std::vector<size_t> conditions;
  for (const std::string& name : read_texts(value, what, diagnostics).value_or(std::vector<std::string>{})) {
    const auto found = std::find_if(scope.variables.begin(), scope.variables.end(),
                                    [&](const Variable& one) { return one.name == name; });
    if (found != scope.variables.end() && found->categorical())
      conditions.push_back(static_cast<size_t>(found - scope.variables.begin()));
    else
      diagnostics.add(value.place, fmt::format("{} must name categorical variables, got '{}'", what, name));
  }
  return conditions;
}

void read_negatives(const Yaml& section, const std::string& what, const Scope& scope, LearnPhase& phase,
                    Diagnostics& diagnostics) {
  phase.contrastive_place = section.place;
  NegativePreset preset;
  const Yaml* name = section.is_map() ? section.find("preset") : nullptr;
  if (name) {
    const auto text =
        read_text(*name, key_table(Section::kLearnNegatives).key("preset"), what + ".preset", diagnostics);
    if (text == "seed") preset = of_seed();
    if (text == "convergent") preset = of_convergent();
  }
  const Yaml* method_name = section.is_map() ? section.find("method") : nullptr;
  const bool own_method = method_name && method_name->text != preset.method;
  const auto method = read_method(section, Section::kLearnNegatives, what, preset.method,
                                  own_method ? OptionWords{} : preset.words, diagnostics);
  if (!method) return;
  phase.contrastive = preset.options;
  NegativeOptions& negatives = phase.contrastive.negatives;
  negatives.method = *method;
  const SectionReader reader(section, Section::kLearnNegatives, what, diagnostics);
  reader.integer("steps", negatives.steps);
  reader.choice("start", negatives.start);
  reader.integer("buffer", negatives.buffer);
  reader.number("restart", negatives.restart);
  reader.number("energy_l2", phase.contrastive.energy_l2);
  reader.number("trim", phase.contrastive.trim);
  phase.negatives_noise = reader.number("noise");
  if (const Yaml* conditions = section.find("conditions"))
    negatives.conditions = read_conditions(*conditions, what + ".conditions", scope, diagnostics);
}

/// What a section says of a phase, beside what stands in `phase` already.
LearnPhase read_phase(const Yaml& section, Section table, const std::string& what, const Scope& scope, LearnPhase phase,
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
  if (const Yaml* negatives = section.find("negatives"))
    read_negatives(*negatives, what + ".negatives", scope, phase, diagnostics);
  reader.number("contrast", phase.contrast);
  if (const Yaml* law = section.find("noise_law")) {
    phase.noise_law_place = law->place;
    phase.noise_law = read_text(*law, key_table(table).key("noise_law"), what + ".noise_law", diagnostics).value_or("");
  }
  if (const Yaml* fits = section.find("fit_log_z"))
    phase.fits_log_z = read_flag(*fits, what + ".fit_log_z", diagnostics).value_or(true);
  if (const Yaml* parameters = section.find("parameters")) {
    phase.parameters_place = parameters->place;
    phase.parameters = read_texts(*parameters, what + ".parameters", diagnostics).value_or(phase.parameters);
  }
  if (const Yaml* optimiser = section.find("optimiser")) {
    phase.optimiser_named = true;
    phase.optimiser_place = optimiser->place;
  }
  reader.choice("optimiser", phase.optimiser.kind);
  reader.number("tolerance", phase.tolerance);
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

/// Keys of batches and of steps mean nothing where each update reads all rows.
void check_keys_of_steps(const Yaml& section, const LearnPhase& phase, const std::string& what,
                         Diagnostics& diagnostics) {
  if (!phase.takes_all_rows()) {
    if (phase.optimiser.kind == OptimiserChoice::Kind::kLbfgs)
      diagnostics.add(phase.optimiser_place,
                      fmt::format("{}.optimiser must be one of steps for {}, got lbfgs, which is "
                                  "of maximum_likelihood. Take another, or leave it out",
                                  what, phase.objective));
    return;
  }
  for (const char* key :
       {"batch", "rate", "rate_warmup", "decay", "beta1", "beta2", "momentum", "weight_decay", "clip", "average"})
    if (const Yaml* value = section.find(key))
      diagnostics.add(value->place, fmt::format("{}.{} must be left out where each update reads all rows, as "
                                                "maximum_likelihood does. Remove it, or name an optimiser of steps, "
                                                "such as adam",
                                                what, key));
}

void check_budget(const LearnPhase& phase, const std::string& what, Diagnostics& diagnostics) {
  if (phase.takes_all_rows()) return;  // it ends by its tolerance
  if (phase.trainer.budget.updates == 0 && phase.trainer.budget.seconds == 0)
    diagnostics.add(phase.place,
                    fmt::format("{} must say when the training ends, got nothing. Add until: {{time: 10min}} "
                                "or until: {{updates: 10000}}",
                                what));
}

void read_phases(const Yaml& section, const Scope& scope, LearnSettings& learn, Diagnostics& diagnostics) {
  const LearnPhase common = read_phase(section, Section::kLearn, "learn", scope, LearnPhase{}, diagnostics);
  const Yaml* phases = section.find("phases");
  if (!phases) {
    check_budget(common, "learn", diagnostics);
    check_keys_of_steps(section, common, "learn", diagnostics);
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
    learn.phases.push_back(read_phase(phases->list[i], Section::kLearnPhase, what, scope, common, diagnostics));
    check_budget(learn.phases.back(), what, diagnostics);
    check_keys_of_steps(phases->list[i], learn.phases.back(), what, diagnostics);
  }
}

LearnSamples read_samples(const Yaml& section, Diagnostics& diagnostics) {
  LearnSamples samples;
  samples.place = section.place;
  if (!check_keys(section, Section::kLearnSamples, "learn.samples", diagnostics)) return samples;
  const SectionReader reader(section, Section::kLearnSamples, "learn.samples", diagnostics);
  reader.integer("every", samples.every);
  reader.integer("count", samples.count);
  return samples;
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
  read_phases(section, scope, learn, diagnostics);
  if (const Yaml* samples = section.find("samples")) learn.samples = read_samples(*samples, diagnostics);
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
