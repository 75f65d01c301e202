// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/methods/adjusted_mclmc.h"
#include "core/methods/baoab.h"
#include "core/methods/block_sweep.h"
#include "core/methods/ebm_practice.h"
#include "core/methods/ghmc.h"
#include "core/methods/gibbs.h"
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

template <class One>
constexpr Entry entry() {
  return {One::describe, [](const std::vector<SettingValue>& values) -> std::unique_ptr<Method> {
            return std::make_unique<One>(One::option_table().read(values));
          }};
}

/// The table a new method adds its row to, in alphabetical order.
constexpr Entry kMethods[] = {
    entry<AdjustedMclmc>(), entry<Baoab>(), entry<EbmPractice>(), entry<Ghmc>(),
    entry<Gibbs>(),         entry<Hmc>(),   entry<Langevin>(),    entry<LeimkuhlerMatthews>(),
    entry<Mala>(),          entry<Mclmc>(), entry<Obabo>(),       entry<ParallelTempering>(),
};

size_t index_of_option(const std::string& name, const std::string& option) {
  const std::vector<SettingDescription>& options = method(name).options;
  std::vector<std::string> known;
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i].name == option) return i;
    known.push_back(options[i].name);
  }
  const auto near = nearest_name(option, known);
  throw SettingError("sample." + option,
                     fmt::format(" must be an option of {}, which has {}{}", name, fmt::join(known, ", "),
                                 near ? fmt::format(". Did you mean '{}'?", *near) : ""),
                     near.value_or(""));
}

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
  const auto near = nearest_name(name, names);
  if (near) text += fmt::format(". Did you mean '{}'?", *near);
  throw SettingError("sample.method", text, near.value_or(""));
}

std::unique_ptr<Method> make_method(const std::string& name, const std::vector<SettingValue>& values) {
  const auto index = static_cast<size_t>(&method(name) - methods().data());
  if (values.size() != methods()[index].options.size()) {
    throw SettingError(fmt::format("method '{}' must be given one value for each of its {} options, got {}", name,
                                   methods()[index].options.size(), values.size()));
  }
  return kMethods[index].create(values);
}

std::vector<SettingValue> option_values(const std::string& name, const OptionWords& words) {
  const std::vector<SettingDescription>& options = method(name).options;
  for (const auto& [option, word] : words) index_of_option(name, option);
  std::vector<SettingValue> values;
  for (const SettingDescription& option : options) {
    const auto named = words.find(option.name);
    const std::string what = "sample." + option.name;
    values.push_back(named == words.end() ? preset_value(option, what) : parse_setting(option, {named->second}, what));
  }
  return values;
}

const SettingValue& option_value(const std::string& name, const std::vector<SettingValue>& values,
                                 const std::string& option) {
  return values.at(index_of_option(name, option));
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
