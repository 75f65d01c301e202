// SPDX-License-Identifier: Apache-2.0
// Reads a composition, makes a plan, samples and prints the mean of all draws, which must be as expected.
//
//   embed PLUGIN COMPOSITION EXPECTED TOLERANCE
#include <atomic>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

#include "compose/file/file.h"
#include "compose/plan/plan.h"
#include "core/backend/tiles.h"
#include "core/sampling/run/run.h"
#include "plugins/registry.h"

namespace {

class Mean : public potluck::Observer {
 public:
  explicit Mean(const potluck::Energy& energy) : energy_(energy) {}

  void drew(const potluck::Draw& draw) override {
    const float* position = static_cast<const float*>(draw.position[0]);
    const int64_t numbers = draw.chains * energy_.variables()[0].size();
    for (int64_t i = 0; i < numbers; ++i) sum_ += static_cast<double>(position[i]);
    count_ += numbers;
  }

  double value() const { return sum_ / static_cast<double>(count_); }

 private:
  const potluck::Energy& energy_;
  double sum_ = 0;
  int64_t count_ = 0;
};

double mean_of_draws(const std::string& plugin, const std::string& file) {
  potluck::Registry registry({});
  registry.add_place(plugin, "--plugin", true);
  const potluck::Composition composition = potluck::read_composition(file, {}, registry);

  potluck::PlanOptions plan_options;
  plan_options.most_rows = potluck::most_rows_of_run(plan_options.device, composition.sample.chains);
  const auto plan = potluck::make_plan(composition, plan_options);

  potluck::RunOptions options;
  options.method = composition.sample.method;
  options.values = composition.sample.method_values;
  options.chains = composition.sample.chains;
  options.warmup = composition.sample.warmup;
  options.steps = composition.sample.steps;
  options.thin = composition.sample.thin;
  options.seed = composition.sample.seed;
  options.threads = 1;

  Mean mean(*plan);
  potluck::Observer* const observers[] = {&mean};
  const potluck::Target target{plan.get(), composition.held, composition.sample.temperature};
  const auto start = potluck::default_start(composition.variables);
  const std::atomic<bool> stop = false;
  potluck::run(target, *start, options, observers, stop);
  return mean.value();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  try {
    const double mean = mean_of_draws(arguments[1], arguments[2]);
    const bool expected = std::abs(mean - std::stod(arguments[3])) <= std::stod(arguments[4]);
    std::cout << "mean " << mean << (expected ? " is " : " is not ") << arguments[3] << " within " << arguments[4]
              << "\n";
    return expected ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
}
