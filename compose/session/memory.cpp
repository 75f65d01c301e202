// SPDX-License-Identifier: Apache-2.0
#include "compose/session/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "core/backend/tiles.h"

namespace potluck {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

/// The number behind `key` in a file of the system; `missing` where there is none, such as "max".
double number_in(const std::string& file, const std::string& key, double missing) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key)) continue;
    char* end = nullptr;
    const char* const begin = line.c_str() + key.size();
    const double value = std::strtod(begin, &end);
    return end == begin ? missing : value;
  }
  return missing;
}

double left_of_machine() {
  const double available = number_in("/proc/meminfo", "MemAvailable:", kNone);
  return 1024 * (available + number_in("/proc/meminfo", "SwapFree:", 0));
}

/// Of a container that sees its own cgroup, version 2 or 1, and no other. What it keeps of files can be had back.
double left_of_container() {
  const auto left = [](const std::string& limit, const std::string& used, const std::string& figures,
                       const std::string& prefix) {
    const double most = number_in(limit, "", kNone);
    if (most == kNone) return kNone;
    const double files =
        number_in(figures, prefix + "inactive_file ", 0) + number_in(figures, prefix + "active_file ", 0);
    return std::max(0.0, most - std::max(0.0, number_in(used, "", 0) - files));
  };
  const std::string two = "/sys/fs/cgroup/", one = two + "memory/";
  return std::min(left(two + "memory.max", two + "memory.current", two + "memory.stat", ""),
                  left(one + "memory.limit_in_bytes", one + "memory.usage_in_bytes", one + "memory.stat", "total_"));
}

double left_under(__rlimit_resource_t resource, const char* used) {
  rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNone;
  return std::max(0.0, static_cast<double>(limit.rlim_cur) - 1024 * number_in("/proc/self/status", used, 0));
}

}  // namespace

double memory_left() {
  return std::min(
      {left_of_machine(), left_of_container(), left_under(RLIMIT_AS, "VmSize:"), left_under(RLIMIT_DATA, "VmData:")});
}

std::string bytes_in_words(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.0f} MB", bytes / 1e6) : fmt::format("{:.1f} GB", bytes / 1e9);
}

double least_memory_of(const RunSize& size) {
  // Of a row: position and gradient, its figures and the energy of each expert (core/chains/cpu_chains.cpp). Of a
  // chain: draws on their way to the disk, and what is summed over them; some three quarters of what was measured.
  const double numbers = static_cast<double>(size.numbers) * static_cast<double>(size.bytes);
  const double experts = 8 * static_cast<double>(size.experts);
  const double row = 2 * numbers + experts + 85, chain = 6 * numbers + 4 * experts + 200;
  return static_cast<double>(size.chains) * (static_cast<double>(size.replicas) * row + (size.draws ? chain : 0));
}

std::optional<std::string> want_of_memory(const RunSize& size, double left) {
  const double needed = least_memory_of(size);
  if (needed <= left) return std::nullopt;
  const double fit = std::floor(left / needed * static_cast<double>(size.chains));
  return fmt::format(
      " must be <= {:.0f}, as this machine and its limits leave {} of memory, got {} chains, which take {} at least. "
      "{} more memory (ulimit -v, ulimit -d, a container's limit)",
      fit, bytes_in_words(left), size.chains, bytes_in_words(needed),
      fit < 1 ? "Use smaller variables, or give it" : "Use fewer, or give it");
}

double memory_of_labels(int64_t categories, int64_t chains, int threads) {
  const double rows = std::min(static_cast<double>(chains), static_cast<double>(kMostTileRows) * threads);
  return 8 * static_cast<double>(categories) * rows;
}

std::optional<std::string> want_of_memory_for_labels(int64_t categories, int64_t chains, int threads, double left) {
  const double needed = memory_of_labels(categories, chains, threads);
  if (needed <= left) return std::nullopt;
  return fmt::format(
      " must be <= {:.0f}, as this machine and its limits leave {} of memory, got {}: the energies of all labels in "
      "{} chains and {} threads take {} at least. Use fewer categories, or fewer threads (--threads)",
      std::floor(left / needed * static_cast<double>(categories)), bytes_in_words(left), categories, chains, threads,
      bytes_in_words(needed));
}

}  // namespace potluck
