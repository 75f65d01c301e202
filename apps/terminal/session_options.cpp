// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/session_options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "apps/terminal/rank_options.h"
#include "apps/terminal/search_paths.h"

namespace potluck {
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

engine::Overrides overrides_of(const CommandLine& line) {
  engine::Overrides overrides;
  for (const char* option : {"set", "given"})
    for (const SaidWord& one : line.said(option))
      overrides.folders[fmt::format("--{} {}", option, one.text.substr(0, one.text.find('=')))] = one.folder;
  for (const auto& [path, text] : line.pairs("set")) overrides.set.push_back({path, text, ""});
  for (const auto& [name, text] : line.pairs("given")) overrides.given.push_back({name, text});
  for (const char* name : {"seed", "precision"})
    if (const auto value = line.value(name))
      overrides.set.push_back({std::string("sample.") + name, *value, std::string("--") + name});
  return overrides;
}

engine::Machine machine_of(const CommandLine& line) {
  engine::Machine machine;
  machine.device = line.value("device").value_or("auto");
  machine.local_rank = choose_local_rank([](const char* name) -> const char* { return std::getenv(name); });
  if (const auto threads = line.value("threads"))
    machine.threads = static_cast<int>(engine::parse_integer(*threads, "--threads", 1, 1024));
  machine.log_z_folder = estimate_folder();
  return machine;
}

engine::Composition composition_of(const CommandLine& line, engine::Plugins& plugins) {
  return read_composition(line, plugins, overrides_of(line), nullptr);
}

engine::Composition read_composition(const CommandLine& line, engine::Plugins& plugins,
                                     const engine::Overrides& overrides, const engine::EarlierRun* earlier) {
  const std::string file = line.operand_path(0);
  const engine::Machine machine = machine_of(line);
  return earlier ? earlier->read(file, plugins, overrides, machine)
                 : engine::Composition::from_file(file, plugins, overrides, machine);
}

}  // namespace potluck
