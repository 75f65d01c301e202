// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "compose/record/run_products.h"

namespace potluck {

struct MergeOutcome {
  int64_t ranks = 0;             ///< that were joined; 0: a merge that was cut short was finished, and nothing joined
  RunProducts products;          ///< of the joined draws
  bool older_run_stays = false;  ///< not all was made, and what was joined before stays as it was
};

/// Joins the draws of processes that shared a run, in RUN/rank-0000, RUN/rank-0001, ..., to one run in RUN. They have
/// the bits of the draws of one process. The ranks' folders stay. A merge that was killed is finished by the next one.
/// @param overwrite  a joined run that is there is replaced
/// @param say        hears what is being done
/// @throws FileError where ranks are missing, have not ended alike or are not of one run; FolderInUse
MergeOutcome merge_run(const std::filesystem::path& run, bool overwrite,
                       const std::function<void(const std::string&)>& say);

}  // namespace potluck
