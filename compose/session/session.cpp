// SPDX-License-Identifier: Apache-2.0
#include "compose/session/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compose/file/sample.h"
#include "compose/session/device.h"
#include "compose/session/memory.h"
#include "compose/start/start_choice.h"
#include "compose/tree/coordinates.h"
#include "core/backend/thread_pool.h"
#include "core/backend/tiles.h"
#include "core/methods/label_blocks.h"
#include "core/sampling/run/split_run.h"
#include "core/settings.h"
#include "plugins/cuda_context.h"
#include "plugins/library.h"

namespace potluck {
namespace {

void collect_models(const Node& node, std::set<const Node*>& seen, std::map<std::string, const ModelKind*>& found) {
  if (!seen.insert(&node).second) return;
  if (const auto* leaf = std::get_if<Leaf>(&node.kind)) found[leaf->kind->name] = leaf->kind;
  for (const NodePointer& child : children(node)) collect_models(*child, seen, found);
}

}  // namespace

Composition read_for(const SessionOptions& options, ModelSource& models) {
  try {
    make_cuda_context(options.device.first);
  } catch (const SettingError&) {
    // One that was only tried: the models cannot be created there either, and then the CPU is taken.
    if (!options.device.may_fall_back) throw;
  }
  return read_composition(options.file, options.overrides, models, options.read_for);
}

Session::Session(const SessionOptions& options, ModelSource& models) : Session(options, read_for(options, models)) {}

Session::Session(const SessionOptions& options, Composition composition)
    : options_(options),
      composition_(std::move(composition)),
      warnings_(composition_.warnings),
      estimates_(options.estimate_folder, options.estimates) {}

PlanOptions Session::plan_options() const {
  PlanOptions plan;
  plan.device = device_;
  plan.precision = composition_.sample.precision;
  plan.most_rows = 1;
  return plan;
}

std::unique_ptr<Plan> Session::plan_for(Purpose purpose) const {
  PlanOptions plan = plan_options();
  plan.only_explain = purpose == Purpose::kLook;
  if (purpose == Purpose::kRun) {
    const SampleSettings& sample = composition_.sample;
    plan.most_rows = most_rows_of_run(device_, sample.chains, replicas_of(sample.method, sample.method_values));
    plan.workers = workers_of_run(device_, sample.chains, options_.threads);
  }
  if (purpose == Purpose::kTraining) {
    plan.learning = true;
    for (const LearnPhase& phase : composition_.learn->phases)
      plan.most_rows = std::max({plan.most_rows, phase.trainer.batch,
                                 LearnSettings::draws(phase) ? most_rows_of_run(device_, phase.trainer.batch) : 0});
    plan.workers = device_.kind == Device::Kind::kCpu ? options_.threads : 1;
  }
  return make_plan(composition_, plan);
}

void Session::prepare(Purpose purpose, const std::function<void(const std::string&)>& say) {
  device_ = options_.device.first;
  settle_threads(purpose);
  bool complete = true;
  const auto plan = [&] {
    complete = estimates_.find(composition_, plan_options());
    // Everything that can be wrong is looked for before time is spent on estimates.
    plan_ = plan_for(complete ? purpose : Purpose::kLook);
  };
  try {
    plan();
  } catch (const Error& refused) {
    if (!options_.device.may_fall_back) throw;
    const std::string gpu = device_name(device_);
    device_ = {};
    plan();  // what is wrong on the CPU too is thrown here
    warnings_.push_back(
        fmt::format("the run is on the CPU, as the composition cannot be on {}: {}", gpu, refused.what()));
  }
  if (purpose != Purpose::kTraining) check();
  if (!complete && purpose != Purpose::kLook) {
    estimates_.make(composition_, plan_options(), options_.threads, say);
    plan_ = plan_for(purpose);
    if (purpose == Purpose::kRun) check();  // chains begin from draws that the estimates left
  }
  estimates_.note_kept(*plan_->known());
  for (std::string& warning : weights_in_doubt(composition_)) warnings_.push_back(std::move(warning));
  for (std::string& warning : plan_->warnings()) warnings_.push_back(std::move(warning));
}

void Session::settle_threads(Purpose purpose) {
  const int usable = usable_threads(), found = startable_threads(std::max(options_.threads, usable));
  // Models may share out work as they are created, among as many threads as this process may use.
  if (found < usable) use_one_libtorch_thread();
  if (purpose == Purpose::kLook || found >= options_.threads) return;
  warnings_.push_back(fmt::format(
      "this machine started only {} of {} threads, and the run uses these. The number of processes and threads is "
      "limited (ulimit -u, or a container's limit), or the memory is; --threads says how many to use",
      found, options_.threads));
  options_.threads = found;
}

void Session::check() {
  std::vector<Diagnostic> wrong;
  const auto collect = [&](const auto& part) {
    try {
      part();
    } catch (const SettingError& error) {
      wrong.push_back(composition_.places.at_place(error));
    }
  };
  collect([&] { start_ = make_start(composition_, plan_->known()); });
  collect([&] { check_run(target(), options_of_run()); });
  if (!wrong.empty()) throw CompositionError(std::move(wrong));
}

void Session::check_memory(int64_t chains, bool draws) const {
  const SampleSettings& sample = composition_.sample;
  RunSize size;
  size.chains = chains;
  size.draws = draws;
  size.replicas = device_.kind == Device::Kind::kCpu ? replicas_of(sample.method, sample.method_values) : 0;
  size.experts = static_cast<int64_t>(plan_->experts().size());
  size.bytes = bytes_of(sample.precision);
  for (size_t v = 0; v < composition_.variables.size(); ++v)
    if (!composition_.held[v].all()) size.numbers += composition_.variables[v].size();
  const double left = memory_left();
  if (const auto text = want_of_memory(size, left))
    throw CompositionError({composition_.places.at_place(SettingError("sample.chains", *text))});
  if (device_.kind != Device::Kind::kCpu) return;
  for (const int v : moving_labels(composition_.variables, composition_.held)) {
    const Variable& variable = composition_.variables[static_cast<size_t>(v)];
    if (const auto text = want_of_memory_for_labels(variable.categories, chains, options_.threads, left))
      throw CompositionError(
          {composition_.places.at_place(SettingError("variables." + variable.name + ".categories", *text))});
  }
}

Target Session::target() const {
  Target target;
  target.energy = plan_.get();
  target.held = composition_.held;
  target.temperature = composition_.sample.temperature;
  return target;
}

RunOptions Session::options_of_run() const {
  RunOptions run = run_options(composition_.sample);
  run.threads = options_.threads;
  return run;
}

std::vector<Rank> Session::split(int64_t world) const { return split_run(target(), options_of_run(), world); }

RunSummary Session::run(std::span<Observer* const> observers, const std::atomic<bool>& stop, const Part& part) const {
  RunOptions options = options_of_run();
  options.rank = part.rank;
  options.until = part.until;
  return potluck::run(target(), *start_, options, observers, stop, part.checkpoint);
}

void Session::check_checkpoint(const Part& part) const {
  const std::atomic<bool> stop = true;
  run({}, stop, {.rank = part.rank, .until = nullptr, .checkpoint = part.checkpoint});
}

std::vector<const ModelKind*> Session::models() const {
  std::map<std::string, const ModelKind*> found;
  std::set<const Node*> seen;
  collect_models(*composition_.target, seen, found);
  std::vector<const ModelKind*> models;
  for (const auto& [name, kind] : found) models.push_back(kind);
  return models;
}

}  // namespace potluck
