// SPDX-License-Identifier: Apache-2.0
// Evaluates a composition, draws from it, saves where it stands and goes on from there.
//
//   embedding COMPOSITION.yaml
#include <potluck/engine.h>

#include <iostream>

using namespace potluck::engine;

namespace {

// The mean of the first variable over all chains and draws.
double mean_of_draws(Sampler& sampler, int draws) {
  double sum = 0, count = 0;
  for (int i = 0; i < draws; ++i) {
    sampler.step(10);
    const Draw& draw = sampler.draw();
    for (size_t j = 0; j < draw.positions[0].count(); ++j) sum += draw.positions[0].at(j);
    count += static_cast<double>(draw.positions[0].count());
  }
  return sum / count;
}

int embed(const std::string& file) {
  // POTLUCK_PLUGINS is the folder of the installed models; any folder of plugins may stand beside it.
  Plugins plugins({.standing = {{POTLUCK_PLUGINS, "installation"}}});
  Composite composite(Composition::from_file(file, plugins, {.set = {{"sample.chains", "256"}}}));

  // The energy, its gradient and that of each expert, at two points.
  const Evaluation there = composite.evaluate({.rows = 2, .values = {{"x", std::vector<double>{0, 1}}}});
  std::cout << "E(0) - E(1) = " << there.energy[0] - there.energy[1] << ", dE/dx(0) = " << there.gradient.at("x")[0]
            << "\n";

  Sampler sampler(composite);
  sampler.start();
  while (sampler.warming_up()) sampler.step(100);
  mean_of_draws(sampler, 50);

  // What is saved here, another process could take up: both draw the same numbers.
  const std::vector<std::byte> saved = sampler.save();
  const double mean = mean_of_draws(sampler, 50);
  Sampler resumed(composite);
  resumed.restore(saved);
  const bool same = mean_of_draws(resumed, 50) == mean;
  std::cout << "mean of x = " << mean << (same ? ", the same after a restore\n" : ", another after a restore\n");
  return same ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return embed(count > 1 ? arguments[1] : "two_bumps.yaml");
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";  // a line for each fault, with its place
    return 2;
  }
}
