// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "compose/engine/told.h"
#include "compose/record/export.h"
#include "compose/record/merge.h"

namespace potluck::engine {
namespace {

/// `say`, or what hears nothing.
Composite::Say heard(const Composite::Say& say) {
  if (say) return say;
  return [](const std::string&) {};
}

}  // namespace

Merged merge_run(const std::string& folder, bool overwrite, const Composite::Say& say) {
  return translated([&] {
    check_given_path(folder, "folder");
    const MergeOutcome found = potluck::merge_run(folder, overwrite, heard(say));
    return Merged{found.ranks, told(found.products, /*judged=*/true), found.older_run_stays};
  });
}

Exported export_run(const std::string& folder, const Composite::Say& say) {
  return translated([&] {
    check_given_path(folder, "folder");
    const ExportOutcome found = potluck::export_run(folder, heard(say));
    return Exported{told(found.products, /*judged=*/true), found.goes_on};
  });
}

}  // namespace potluck::engine
