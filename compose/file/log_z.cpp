// SPDX-License-Identifier: Apache-2.0
#include "compose/file/log_z.h"

#include <fmt/format.h>

#include "compose/text/keys.h"

namespace potluck {

namespace {

LogZEstimation read_estimation(const Yaml& value, const std::string& what, Diagnostics& diagnostics) {
  const KeyTable& table = key_table(Section::kLogZ);
  LogZEstimation how;
  const auto integer = [&](const std::string& name, auto& number) {
    const Yaml* given = value.find(name);
    if (!given) return;
    if (const auto read = read_integer(*given, table.key(name), what + "." + name, diagnostics))
      number = static_cast<std::decay_t<decltype(number)>>(*read);
  };
  const auto real = [&](const std::string& name, double& number) {
    const Yaml* given = value.find(name);
    if (!given) return;
    number = read_number(*given, table.key(name), what + "." + name, diagnostics).value_or(number);
  };
  if (const Yaml* region = value.find("region"))
    how.on_support = read_text(*region, table.key("region"), what + ".region", diagnostics) == "support";
  integer("particles", how.annealing.particles);
  integer("repeats", how.repeats);
  integer("moves", how.annealing.moves);
  integer("seed", how.annealing.seed);
  real("base_mean", how.annealing.base.mean);
  real("base_scale", how.annealing.base.scale);
  return how;
}

}  // namespace

bool read_log_z(const Yaml& value, const std::string& what, Mixture::Branch& branch, Diagnostics& diagnostics) {
  const size_t before = diagnostics.size();
  branch.log_z_place = value.place;
  if (value.is_map()) {
    check_keys(value, Section::kLogZ, what, diagnostics);
    branch.estimation = read_estimation(value, what, diagnostics);
  } else if (value.is_scalar() && value.text == "estimate") {
    branch.estimation.emplace();
  } else if (!value.is_scalar() || value.text.find_first_of("0123456789") == std::string::npos) {
    diagnostics.add(value.place, fmt::format("{} must be a number, estimate, or a map of how to estimate it, got {}. "
                                             "{{region: support}} asks for an expert that is cut off at the supports",
                                             what, value.describe()));
  } else {
    branch.log_z = read_number(value, key_table(Section::kMixtureBranch).key("log_z"), what, diagnostics);
  }
  return diagnostics.size() == before;
}

}  // namespace potluck
