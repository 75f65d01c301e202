// SPDX-License-Identifier: Apache-2.0
#include "compose/record/rehearsal.h"

#include "core/files/formats/atomic_file.h"
#include "core/files/run/arviz_netcdf.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/summary_netcdf.h"

namespace potluck {
namespace {

/// Makes a file under its temporary name, and the folder that it goes to, and leaves neither.
void rehearse_file(const std::filesystem::path& file) {
  const std::filesystem::path place = file.parent_path();
  const bool made = std::filesystem::create_directories(place);
  try {
    const AtomicFile there(file);  // nothing is committed
  } catch (...) {
    if (made) std::filesystem::remove(place);
    throw;
  }
  if (made) std::filesystem::remove(place);
}

}  // namespace

void rehearse_run_products(const std::filesystem::path& folder, const DrawsSchema& schema,
                           const std::vector<std::string>& pictures) {
  rehearse_file(checkpoint_file(folder));
  check_arviz_netcdf(schema, folder / "draws.nc");
  check_summary_netcdf(schema, folder / "summary.nc");
  for (const char* file : {"state.safetensors", "summary.json"}) rehearse_file(folder / file);
  // The longest of a variable's names.
  for (const std::string& variable : pictures) rehearse_file(folder / "pictures" / (variable + "-chains.png"));
}

}  // namespace potluck
