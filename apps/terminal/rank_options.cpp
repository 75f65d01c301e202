// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/rank_options.h"

#include <fmt/format.h>

namespace potluck {
namespace {

int64_t whole_number(const std::string& name, const std::string& word, int64_t least, int64_t most) {
  try {
    return engine::parse_integer(word, name, least, most);
  } catch (const engine::Error& error) {
    throw UsageError(error.what());
  }
}

engine::Ranks ranks_of(const std::string& rank_name, const std::string& rank, const std::string& world_name,
                       const std::string& world, const std::string& told_by) {
  engine::Ranks ranks;
  ranks.world = whole_number(world_name, world, 1, 9999);
  ranks.rank = whole_number(rank_name, rank, 0, ranks.world - 1);
  ranks.told_by = told_by;
  return ranks;
}

/// Who started this process, and the environment variables in which it says so.
struct Launcher {
  const char* name = nullptr;  ///< or null: nobody speaks
  const char* rank = nullptr;
  const char* world = nullptr;
  const char* local_rank = nullptr;
};

Launcher launcher(const engine::Environment& variable) {
  const auto has = [&](const char* name) { return variable(name) != nullptr; };
  const bool in_step = has("SLURM_STEP_NUM_TASKS") && has("SLURM_NTASKS") &&
                       std::string(variable("SLURM_STEP_NUM_TASKS")) == variable("SLURM_NTASKS");
  // Slurm's PMI sets PMI_RANK and PMI_SIZE too, and a step within a step inherits those of the outer one, while Slurm's
  // own variables are those of the inner one. Hydra, which starts MPICH's and Intel's processes, sets MPI_LOCALRANKID.
  const bool by_pmi = has("MPI_LOCALRANKID") || !in_step;
  const std::pair<Launcher, bool> all[] = {
      // and whether it speaks to this process
      {{"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"}, has("TORCHELASTIC_RUN_ID")},
      {{"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"}, true},
      {{"MVAPICH", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK"}, true},
      {{"MPICH or Intel MPI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"}, by_pmi},
      {{"Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"}, in_step},
  };
  for (const auto& [one, speaks] : all)
    if (speaks && has(one.rank) && has(one.world)) return one;
  return {};
}

}  // namespace

void add_rank_options(CommandLine& line) {
  line.add_value("rank", "R", "with --world: number of this process among those that share the run, 0 ... W-1");
  line.add_value(
      "world", "W",
      "with --rank: number of processes that share the run. torchrun, srun and mpirun set both by themselves");
}

engine::Ranks choose_ranks(const CommandLine& line, const engine::Environment& variable) {
  const auto rank = line.value("rank"), world = line.value("world");
  if (rank.has_value() != world.has_value())
    throw UsageError(fmt::format("--rank and --world must be given together, got --{} alone", rank ? "rank" : "world"));
  if (rank) return ranks_of("--rank", *rank, "--world", *world, "--rank and --world");

  const Launcher one = launcher(variable);
  if (!one.name) return {};
  return ranks_of(one.rank, variable(one.rank), one.world, variable(one.world), one.name);
}

int64_t choose_local_rank(const engine::Environment& variable) {
  const Launcher one = launcher(variable);
  if (!one.name || !variable(one.local_rank)) return 0;
  return whole_number(one.local_rank, variable(one.local_rank), 0, 9999);
}

}  // namespace potluck
