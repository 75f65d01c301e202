// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "apps/terminal/command_line.h"
#include "potluck/engine.h"

namespace potluck {

/// Adds --rank and --world.
void add_rank_options(CommandLine& line);

/// --rank and --world before torchrun (RANK, WORLD_SIZE; only where TORCHELASTIC_RUN_ID says that it is torchrun),
/// before Open MPI (OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE), before MVAPICH (MV2_COMM_WORLD_RANK,
/// MV2_COMM_WORLD_SIZE), before MPICH and Intel MPI (PMI_RANK, PMI_SIZE; in a step of Slurm's, whose own PMI sets both
/// as well, only where MPI_LOCALRANKID is set too), before Slurm (SLURM_PROCID, SLURM_NTASKS; only in a step of as many
/// tasks, as SLURM_STEP_NUM_TASKS says: a batch script or a login shell has the other two as well).
/// @throws UsageError
engine::Ranks choose_ranks(const CommandLine& line, const engine::Environment& variable);

/// Which of the processes on this machine this is, by the launcher that choose_ranks() hears: LOCAL_RANK,
/// OMPI_COMM_WORLD_LOCAL_RANK, MV2_COMM_WORLD_LOCAL_RANK, MPI_LOCALRANKID or SLURM_LOCALID; 0 where nobody says so.
/// @throws UsageError
int64_t choose_local_rank(const engine::Environment& variable);

}  // namespace potluck
