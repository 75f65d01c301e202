// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace potluck {

/// The least of what this process may still take, in bytes: memory and swap of the machine, of its container (cgroup),
/// and under its own limits (ulimit -v, ulimit -d). Infinite where nothing says.
double memory_left();

/// "12.3 GB"
std::string bytes_in_words(double bytes);

/// A run on the CPU, by what its memory grows with.
struct RunSize {
  int64_t chains = 0;
  int64_t replicas = 1;  ///< rows of a chain
  int64_t numbers = 0;   ///< of a row
  int64_t experts = 0;
  int64_t bytes = 4;  ///< of a number
  bool draws = true;  ///< whether they go to the disk
};

/// The bytes that a run takes at least: positions, gradients and figures of all rows, and a draw of all chains beside
/// them until it is on the disk. What methods and models take comes on top.
double least_memory_of(const RunSize& size);

/// Bytes of the energies of all labels that a draw of one looks at, in all threads of a run on the CPU.
double memory_of_labels(int64_t categories, int64_t chains, int threads);

/// Where that is more than is `left`: what is wrong with the categories of a variable that moves
std::optional<std::string> want_of_memory_for_labels(int64_t categories, int64_t chains, int threads, double left);

/// Where that is more than is `left`: what is wrong with sample.chains, " must be <= ..., got ..."
std::optional<std::string> want_of_memory(const RunSize& size, double left);

}  // namespace potluck
