// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace potluck::benchmarks {

/// How long and how often each case is timed.
struct Effort {
  double seconds = 1;  ///< about how long one repeat takes
  int repeats = 5;     ///< the least time of these counts
};

struct Timing {
  int64_t steps = 0;          ///< of one repeat
  double seconds_a_step = 0;  ///< of the fastest repeat
};

/// Finds a number of steps that takes about `effort.seconds`, then times that many `effort.repeats` times.
/// @param time runs so many steps and returns the seconds they took.
Timing least_time(const Effort& effort, const std::function<double(int64_t steps)>& time);

/// Seconds of one call.
double seconds_of(const std::function<void()>& work);

/// What was timed: one line of the results.
struct Case {
  std::string name;     ///< "gaussian", "mixture", ...
  std::string program;  ///< who did it: "potluck", "matrix product", "noise and update avx2"
  std::string method;
  int64_t chains = 0;
  int64_t n = 0;
  int threads = 1;
};

/// Prints {"case": ..., "program": ..., "method": ..., "chains": ..., "n": ..., "threads": ..., "steps": ...,
/// "ms_a_step": ..., "ns_an_element": ...} as one line.
void print(const Case& one, const Timing& timing);

}  // namespace potluck::benchmarks
