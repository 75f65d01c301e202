// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda/composed_on.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compose/file/file.h"
#include "core/backend/tiles.h"
#include "core/sampling/run/run.h"
#include "plugins/registry.h"

namespace potluck::testing {

namespace {

Registry& models_of_this_build() {
  static Registry registry({});
  static const bool found = (registry.add_place(POTLUCK_MODELS_DIR, "installation", true), true);
  (void)found;
  return registry;
}

}  // namespace

ComposedOn::ComposedOn(const std::string& text, const Device& device, int64_t rows) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / fmt::format("potluck-{}.yaml", getpid());
  std::ofstream(file) << text;
  composition = read_composition(file, {}, models_of_this_build());
  std::filesystem::remove(file);
  const SampleSettings& settings = composition.sample;
  PlanOptions options;
  options.device = device;
  options.precision = settings.precision;
  options.workers = 2;
  options.most_rows =
      most_rows_of_run(device, rows > 0 ? rows : settings.chains, replicas_of(settings.method, settings.method_values));
  plan = make_plan(composition, options);
}

}  // namespace potluck::testing
