// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/timing.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

namespace potluck::benchmarks {

Timing least_time(const Effort& effort, const std::function<double(int64_t)>& time) {
  // Doubled until a tenth of the time is spent, so that a slow first step does not choose the number.
  Timing timing;
  timing.steps = 1;
  double seconds = time(timing.steps);
  while (seconds < effort.seconds / 10) seconds = time(timing.steps *= 2);
  timing.steps =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(timing.steps) * effort.seconds / seconds));
  double least = time(timing.steps);
  for (int repeat = 1; repeat < effort.repeats; ++repeat) least = std::min(least, time(timing.steps));
  timing.seconds_a_step = least / static_cast<double>(timing.steps);
  return timing;
}

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void print(const Case& one, const Timing& timing) {
  nlohmann::ordered_json line;
  line["case"] = one.name;
  line["program"] = one.program;
  line["method"] = one.method;
  line["chains"] = one.chains;
  line["n"] = one.n;
  line["threads"] = one.threads;
  line["steps"] = timing.steps;
  line["ms_a_step"] = timing.seconds_a_step * 1e3;
  line["ns_an_element"] = timing.seconds_a_step * 1e9 / static_cast<double>(one.chains * one.n);
  std::cout << line.dump() << std::endl;  // flushed: a run may be stopped halfway
}

}  // namespace potluck::benchmarks
