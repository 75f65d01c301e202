// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/methods/adjusted_mclmc.h"
#include "core/methods/baoab.h"
#include "core/methods/block_sweep.h"
#include "core/methods/ebm_practice.h"
#include "core/methods/ghmc.h"
#include "core/methods/hmc.h"
#include "core/methods/langevin.h"
#include "core/methods/leimkuhler_matthews.h"
#include "core/methods/mala.h"
#include "core/methods/mclmc.h"
#include "core/methods/method.h"
#include "core/methods/obabo.h"
#include "core/methods/parallel_tempering.h"

namespace potluck {

namespace {

struct Entry {
  MethodDescription (*describe)();
  std::unique_ptr<Method> (*create)(const std::vector<SettingValue>&);
};

/// The table a new method adds its row to, in alphabetical order.
constexpr Entry kMethods[] = {
    {AdjustedMclmc::describe, AdjustedMclmc::create},
    {Baoab::describe, Baoab::create},
    {EbmPractice::describe, EbmPractice::create},
    {Ghmc::describe, Ghmc::create},
    {Hmc::describe, Hmc::create},
    {Langevin::describe, Langevin::create},
    {LeimkuhlerMatthews::describe, LeimkuhlerMatthews::create},
    {Mala::describe, Mala::create},
    {Mclmc::describe, Mclmc::create},
    {Obabo::describe, Obabo::create},
    {ParallelTempering::describe, ParallelTempering::create},
};

}  // namespace

const std::vector<MethodDescription>& methods() {
  static const std::vector<MethodDescription> all = [] {
    std::vector<MethodDescription> described;
    for (const Entry& entry : kMethods) described.push_back(entry.describe());
    return described;
  }();
  return all;
}

const MethodDescription& method(const std::string& name) {
  std::vector<std::string> names;
  for (const MethodDescription& one : methods()) {
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  std::string text = fmt::format(" must be one of {}; got '{}'", fmt::join(names, ", "), name);
  if (const auto near = nearest_name(name, names)) text += fmt::format(". Did you mean '{}'?", *near);
  throw SettingError("sample.method", text);
}

std::unique_ptr<Method> make_method(const std::string& name, const std::vector<SettingValue>& values) {
  const auto index = static_cast<size_t>(&method(name) - methods().data());
  if (values.size() != methods()[index].options.size()) {
    throw SettingError(fmt::format("method '{}' must be given one value for each of its {} options, got {}", name,
                                   methods()[index].options.size(), values.size()));
  }
  return kMethods[index].create(values);
}

int64_t replicas_of(const std::string& method, const std::vector<SettingValue>& values) {
  return make_method(method, values)->replicas();
}

std::unique_ptr<Method> make_method(const MethodChoice& choice) {
  if (choice.blocks.empty()) return make_method(choice.method, choice.values);
  return std::make_unique<BlockSweep>(choice.blocks);
}

void Method::check(const Target& target) const {
  if (description().exact || !target.energy->hard_walls()) return;
  throw SettingError(
      "sample.method",
      fmt::format(" must be an adjusted one where an expert has hard walls inside the support, got '{}'. "
                  "Use mala, or give the variable a support with that box",
                  description().name));
}

}  // namespace potluck
