// SPDX-License-Identifier: Apache-2.0
#include "compose/training/training_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "compose/file/sample.h"
#include "compose/plan/plan.h"
#include "compose/start/start_choice.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/with_weights.h"
#include "core/backend/tiles.h"
#include "core/files/formats/png.h"
#include "core/files/run/picture.h"
#include "core/sampling/run/run.h"

namespace potluck {

namespace {

/// The composition as it is sampled, up to one draw of each chain.
Composition to_sample(const Composition& training) {
  Composition sampled = training;
  sampled.learn.reset();
  sampled.held = training.held_to_sample;
  sampled.sample.chains = training.learn->samples.count;
  sampled.sample.superchain = 1;
  sampled.sample.steps = sampled.sample.thin = 1;
  sampled.sample.checkpoint_every = 0;
  sampled.sample.until = {};
  return sampled;
}

/// Those that `output.pictures` names, or else all that are drawn and have the shape of a picture.
std::vector<size_t> pictured(const Composition& sampled) {
  const std::vector<std::string>& named = sampled.output.pictures;
  std::vector<size_t> variables;
  for (size_t v = 0; v < sampled.variables.size(); ++v) {
    const Variable& variable = sampled.variables[v];
    const bool wanted = named.empty() || std::find(named.begin(), named.end(), variable.name) != named.end();
    if (wanted && !variable.categorical() && !sampled.held[v].all() && image_layout(variable.shape))
      variables.push_back(v);
  }
  return variables;
}

/// Keeps the last draw of some variables.
class LastDraw final : public Observer {
 public:
  LastDraw(const Composition& composition, const std::vector<size_t>& variables)
      : composition_(composition), variables_(variables), numbers_(variables.size()) {}

  void drew(const Draw& draw) override {
    for (size_t i = 0; i < variables_.size(); ++i) {
      const auto count = static_cast<size_t>(draw.chains * composition_.variables[variables_[i]].size());
      const void* from = draw.position[variables_[i]];
      if (composition_.sample.precision == Precision::kFloat32)
        numbers_[i].assign(static_cast<const float*>(from), static_cast<const float*>(from) + count);
      else
        numbers_[i].assign(static_cast<const double*>(from), static_cast<const double*>(from) + count);
    }
  }

  bool any() const { return !numbers_.front().empty(); }
  /// [chains, n] of the i-th of the variables.
  const std::vector<double>& numbers(size_t i) const { return numbers_[i]; }

 private:
  const Composition& composition_;
  const std::vector<size_t>& variables_;
  std::vector<std::vector<double>> numbers_;
};

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

EventImage write_picture(const Variable& variable, const Held& held, const std::vector<double>& numbers, int64_t count,
                         int64_t updates, const std::filesystem::path& file) {
  const ImageLayout layout = *image_layout(variable.shape);
  const GrayRange range = picture_range(variable.least, variable.most, numbers);
  const Picture picture = draw_grid(layout, numbers, count, range, held.mask);
  write_png(file, picture.height, picture.width, 3, picture.rgb,
            {{"Software", "Potluck"},
             {"Description", fmt::format("{}: draws after {} updates", variable.name, updates)},
             {"black", fmt::format("{}", range.black)},
             {"white", fmt::format("{}", range.white)}});
  return {"samples/" + variable.name, picture.height, picture.width, bytes_of(file)};
}

}  // namespace

/// Ready to be run.
struct TrainingSamples::Prepared {
  Composition composition;
  std::unique_ptr<Plan> plan;
  std::unique_ptr<Start> start;
  Target target;
  RunOptions run;
};

TrainingSamples::TrainingSamples(const Session& training, const ParameterStore& store)
    : training_(training), sampled_(to_sample(training.composition())), variables_(pictured(sampled_)) {
  const Place& place = training.composition().learn->samples.place;
  if (variables_.empty())
    throw CompositionError(
        {{place,
          "learn.samples must have a variable to make pictures of, one that is drawn and has the shape [height, "
          "width], with or without channels, got none. Remove it"}});
  prepare(store, weights(store));
}

TrainingSamples::Weights TrainingSamples::weights(const ParameterStore& store) const {
  Weights all;
  for (size_t e = 0; e < store.experts().size(); ++e) {
    const Leaf& leaf = store.leaf(e);
    if (!store.is_learned_expert(e) && leaf.weights) continue;
    auto file = std::make_shared<WeightsFile>();
    file->path = leaf.weights_path;
    const ParameterExpert& expert = store.experts()[e];
    for (size_t a = expert.first; a < expert.first + expert.count; ++a) {
      const ModelParameter& array = store.arrays()[a].array;
      file->arrays.push_back({array.name, array.type, array.shape, store.read(a)});
    }
    all[&leaf] = std::move(file);
  }
  return all;
}

/// Anew for each picture: what a plan knows beforehand is of the weights that it was made with.
std::unique_ptr<TrainingSamples::Prepared> TrainingSamples::prepare(const ParameterStore& store,
                                                                    const Weights& weights) const {
  auto prepared = std::make_unique<Prepared>();
  Composition& composition = prepared->composition;
  composition = sampled_;
  composition.target = with_weights(sampled_.target, [&](const Leaf& leaf) -> std::shared_ptr<const WeightsFile> {
    const int expert = store.expert_of(leaf);
    const auto found = expert < 0 ? weights.end() : weights.find(&store.leaf(static_cast<size_t>(expert)));
    return found == weights.end() ? nullptr : found->second;
  });
  const SampleSettings& sample = composition.sample;
  const int threads = training_.options().threads;
  PlanOptions options;
  options.device = training_.device();
  options.precision = sample.precision;
  options.most_rows = most_rows_of_run(options.device, sample.chains, replicas_of(sample.method, sample.method_values));
  options.workers = workers_of_run(options.device, sample.chains, threads);
  prepared->run = run_options(sample);
  prepared->run.threads = threads;
  try {
    prepared->plan = make_plan(composition, options);
    prepared->start = make_start(composition, prepared->plan->known());
    prepared->target = {prepared->plan.get(), composition.held, sample.temperature};
    check_run(prepared->target, prepared->run);
  } catch (const SettingError& error) {
    throw CompositionError({composition.places.at_place(error)});
  }
  return prepared;
}

std::optional<std::vector<EventImage>> TrainingSamples::draw(const ParameterStore& store, const Weights& weights,
                                                             int64_t updates, const std::filesystem::path& folder,
                                                             const std::atomic<bool>& stop) const {
  const std::unique_ptr<Prepared> prepared = prepare(store, weights);
  LastDraw last(prepared->composition, variables_);
  Observer* const observers[] = {&last};
  const RunSummary summary = run(prepared->target, *prepared->start, prepared->run, observers, stop);
  if (summary.interrupted || !last.any()) return std::nullopt;
  std::filesystem::create_directories(folder / "samples");
  std::vector<EventImage> images;
  for (size_t i = 0; i < variables_.size(); ++i) {
    const Variable& variable = sampled_.variables[variables_[i]];
    const std::string name = variables_.size() == 1 ? fmt::format("{:06}.png", updates)
                                                    : fmt::format("{:06}-{}.png", updates, variable.name);
    images.push_back(write_picture(variable, sampled_.held[variables_[i]], last.numbers(i), sampled_.sample.chains,
                                   updates, folder / "samples" / name));
  }
  return images;
}

}  // namespace potluck
