// SPDX-License-Identifier: Apache-2.0
// Reads a composition, samples it and prints the mean of all draws, which must be as expected.
//
//   embed PLUGIN COMPOSITION EXPECTED TOLERANCE
#include <potluck/engine.h>

#include <cmath>
#include <iostream>
#include <string>

namespace engine = potluck::engine;

namespace {

class Mean : public engine::Observer {
 public:
  void drew(const engine::Draw& draw) override {
    const engine::Draw::Position& x = draw.positions[0];
    for (size_t i = 0; i < x.count(); ++i) sum_ += x.at(i);
    count_ += static_cast<double>(x.count());
  }
  double value() const { return sum_ / count_; }

 private:
  double sum_ = 0, count_ = 0;
};

double mean_of_draws(const std::string& plugin, const std::string& file) {
  engine::Plugins plugins({.first = {{plugin}}});
  engine::Composite composite(engine::Composition::from_file(file, plugins, {}, {.device = "cpu", .threads = 1}));
  Mean mean;
  engine::run(composite, {.observers = {&mean}});
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
  } catch (const engine::Error& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
}
