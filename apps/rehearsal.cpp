// SPDX-License-Identifier: Apache-2.0
#include "apps/rehearsal.h"

#include "core/files/arviz_netcdf.h"
#include "core/files/atomic_file.h"

namespace potluck {

void rehearse_run_products(const std::filesystem::path& folder, const DrawsSchema& schema,
                           const std::vector<std::string>& pictures) {
  check_arviz_netcdf(schema, folder / "draws.nc");
  if (pictures.empty()) return;
  const std::filesystem::path place = folder / "pictures";
  const bool made = std::filesystem::create_directories(place);
  try {
    // The longest of a variable's names; nothing is committed.
    for (const std::string& variable : pictures) AtomicFile(place / (variable + "-chains.png"));
  } catch (...) {
    if (made) std::filesystem::remove(place);
    throw;
  }
  if (made) std::filesystem::remove(place);
}

}  // namespace potluck
