// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/composed.h"

#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "compose/file/file.h"
#include "core/backend/tiles.h"
#include "core/chains/chains.h"
#include "core/error.h"
#include "core/files/formats/safetensors.h"
#include "core/sampling/run/run.h"

namespace potluck::benchmarks {

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "potluck-benchmark-XXXXXX").string();
  if (!mkdtemp(name.data())) throw FileError(fmt::format("{}: a scratch folder must be made there", name));
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::write_precision(int64_t n) const {
  std::vector<double> direction(n);
  double square = 0;
  for (int64_t i = 0; i < n; ++i) {
    direction[i] = 1 + 0.5 * std::cos(static_cast<double>(i));
    square += direction[i] * direction[i];
  }
  std::vector<float> precision(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      precision[i * n + j] = static_cast<float>((i == j ? 1 : 0) + direction[i] * direction[j] / square);
  const std::string file = fmt::format("precision{}.safetensors", n);
  Safetensors weights;
  weights.arrays["precision"] = Array::of({n, n}, precision);
  write_safetensors(path_ / file, weights);
  return file;
}

Registry& installed_models() {
  static Registry registry({});
  static const bool found = (registry.add_place(POTLUCK_MODELS_DIR, "build", true), true);
  (void)found;
  return registry;
}

Composed::Composed(const ScratchFolder& folder, const std::string& text, int threads, const Device& device)
    : threads_(threads) {
  const std::filesystem::path file = folder.path() / "composition.yaml";
  std::ofstream(file) << text;
  composition_ = read_composition(file, {}, installed_models());
  for (const Variable& variable : composition_.variables) numbers_ += variable.size();
  PlanOptions options;
  options.precision = composition_.sample.precision;
  options.device = device;
  options.most_rows = most_rows_of_run(device, composition_.sample.chains);
  options.workers = threads;
  plan_ = make_plan(composition_, options);
  start_ = normal_start(composition_.variables);
}

Timing Composed::time_sampling(const Effort& effort) const {
  Target target;
  target.energy = plan_.get();
  target.held = composition_.held;
  RunOptions options;
  options.method = composition_.sample.method;
  options.values = composition_.sample.method_values;
  options.chains = composition_.sample.chains;
  options.warmup = 3;  // memory is touched and LibTorch has made its choices
  options.seed = composition_.sample.seed;
  options.threads = threads_;
  const std::atomic<bool> stop = false;
  return least_time(effort, [&](int64_t steps) {
    options.steps = options.thin = steps;  // one block
    const RunSummary summary = run(target, *start_, options, {}, stop);
    if (summary.frozen_count > 0)
      throw NumericalError(fmt::format("no chain of a benchmark must freeze, got {}", summary.frozen_count));
    return summary.sampling_seconds;
  });
}

Timing Composed::time_moving(const Effort& effort) const {
  constexpr int64_t kBlock = 50;  // as a run's; captured when it comes for the second time
  const auto method = make_method(composition_.sample.method, composition_.sample.method_values);
  ChainsOptions options;
  options.chains = chains();
  options.needs = method->needs();
  const auto chains = make_chains({plan_.get(), composition_.held}, options);
  std::vector<double> position(static_cast<size_t>(options.chains * numbers_));
  double* starts[] = {position.data()};
  start_->draw(1, 0, options.chains, 0, starts);
  chains->write(0, options.chains, starts);
  chains->evaluate();
  chains->begin(*method, 0);
  uint32_t step = 0;
  const auto move = [&] {
    chains->advance(*method, Chains::Part::kAll, {step, kBlock});
    step += kBlock;
  };
  for (int warm = 0; warm < 3; ++warm) move();
  Timing timing = least_time(effort, [&](int64_t blocks) {
    return seconds_of([&] {
      for (int64_t block = 0; block < blocks; ++block) move();
    });
  });
  timing.steps *= kBlock;
  timing.seconds_a_step /= kBlock;
  return timing;
}

Timing Composed::time_evaluation(const Effort& effort) const {
  const int64_t rows = plan_->most_rows();
  std::vector<double> position(rows * numbers_);
  std::vector<double*> starts = {position.data()};
  start_->draw(1, 0, rows, 0, starts.data());
  const std::vector<float> x(position.begin(), position.end());
  std::vector<float> gradient(x.size());
  std::vector<double> energy(rows), expert_energy(rows * static_cast<int64_t>(plan_->experts().size()));
  const size_t bytes = (plan_->workspace_bytes(rows) + 63) / 64 * 64;
  const std::unique_ptr<void, void (*)(void*)> workspace(std::aligned_alloc(64, std::max<size_t>(bytes, 64)),
                                                         std::free);
  const void* positions[] = {x.data()};
  void* gradients[] = {gradient.data()};
  EnergyCall call;
  call.rows = rows;
  call.position = positions;
  call.energy = energy.data();
  call.gradient = gradients;
  call.expert_energy = expert_energy.data();
  call.workspace = workspace.get();
  return least_time(effort, [&](int64_t steps) {
    return seconds_of([&] {
      for (int64_t step = 0; step < steps; ++step) plan_->evaluate(call);
    });
  });
}

std::string composition_text(int64_t n, const std::vector<std::string>& energies, const std::string& target,
                             const std::string& method, double step_size, int64_t chains) {
  std::string text = fmt::format("potluck: 1\nvariables:\n  x: {{shape: [{}]}}\nenergies:\n", n);
  for (const std::string& energy : energies) text += "  " + energy + "\n";
  text += fmt::format("target: {}\nsample: {{method: {}, step_size: {}, chains: {}, warmup: 3, steps: 1, seed: 1}}\n",
                      target, method, step_size, chains);
  return text;
}

}  // namespace potluck::benchmarks
