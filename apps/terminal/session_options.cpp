// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/session_options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "apps/terminal/rank_options.h"
#include "apps/terminal/search_paths.h"
#include "core/backend/thread_pool.h"
#include "core/settings.h"

namespace potluck {
namespace {

int parse_threads(const std::string& word) {
  SettingDescription threads;
  threads.name = "--threads";
  threads.kind = SettingKind::kInteger;
  threads.least = 1;
  threads.most = 1024;
  return static_cast<int>(parse_setting(threads, {word}, threads.name).integer.at(0));
}

}  // namespace

void add_session_options(CommandLine& line) {
  line.add_values("set", "KEY=VALUE", "change the composition: --set sample.steps=500 (repeatable)");
  line.add_values("given", "NAME=VALUE",
                  "fix a variable or view at a value: --given label=3, --given upper=photo.png (repeatable)");
  line.add_value("seed", "N", "the same as --set sample.seed=N");
  line.add_value("precision", "NAME", "float32 or float64; the same as --set sample.precision=NAME");
  line.add_value(
      "device", "NAME",
      "auto (default: a GPU where there is one), cpu, cuda or cuda:N. Processes that torchrun, srun or mpirun "
      "started on one machine take its GPUs in turn");
  line.add_value("threads", "N",
                 "threads on the CPU; default: as many as this process may use. Draws do not depend on it");
}

SessionOptions session_options(const CommandLine& line) {
  SessionOptions options;
  options.estimate_folder = estimate_folder();
  options.file = line.operand_path(0);
  for (const char* option : {"set", "given"})
    for (const SaidWord& one : line.said(option))
      options.overrides.folders[fmt::format("--{} {}", option, one.text.substr(0, one.text.find('=')))] = one.folder;
  for (const auto& [path, text] : line.pairs("set")) options.overrides.set.push_back({path, text, ""});
  options.overrides.given = line.pairs("given");
  for (const char* name : {"seed", "precision"})
    if (const auto value = line.value(name))
      options.overrides.set.push_back({std::string("sample.") + name, *value, std::string("--") + name});
  const int64_t local_rank = choose_local_rank([](const char* name) -> const char* { return std::getenv(name); });
  options.device = parse_device(line.value("device").value_or("auto"), local_rank);
  const auto threads = line.value("threads");
  options.threads = threads ? parse_threads(*threads) : usable_threads();
  return options;
}

}  // namespace potluck
