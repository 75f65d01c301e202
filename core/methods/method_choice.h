// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/settings.h"

namespace potluck {

/// Variables that are moved together, by a method of their own, in a sweep over blocks.
struct BlockOptions {
  std::vector<std::string> variables;  ///< names, at least one
  std::string method = "mala";
  std::vector<SettingValue> values;  ///< as in MethodChoice
};

/// The method of a run and its options, as the user named them.
struct MethodChoice {
  std::string method = "mala";
  std::vector<SettingValue> values;  ///< one per option of the method, in its declared order
  /// Not empty: a step moves these one after the other, and `method` and `values` are not used. Every variable that
  /// moves is in exactly one.
  std::vector<BlockOptions> blocks;
};

/// A sampling method as the user names it.
struct MethodDescription {
  std::string name;
  std::string summary;
  std::string reference;
  bool exact = false;            ///< leaves exp(-E/T) invariant whatever the step size
  bool whole = false;            ///< moves all variables or none: not a block of a sweep
  bool labels = false;           ///< draws labels of categorical variables, and moves nothing else
  bool own_temperature = false;  ///< runs at a temperature that its options set, whatever the target's
  std::vector<SettingDescription> options;
};

/// All methods, in alphabetical order.
const std::vector<MethodDescription>& methods();

/// @throws SettingError "sample.method must be one of …, got '…'. Did you mean …?"
const MethodDescription& method(const std::string& name);

/// Options by name, as written in a file.
using OptionWords = std::map<std::string, std::string>;

/// Values of a method's options: those that are named, the others at their presets.
/// @throws SettingError for a name that is no option of the method, or words that are not a value of it.
std::vector<SettingValue> option_values(const std::string& method, const OptionWords& words = {});

/// The value of one option among those of a method. @throws SettingError where the method has no such option.
const SettingValue& option_value(const std::string& method, const std::vector<SettingValue>& values,
                                 const std::string& option);

/// Replicas of a chain: 1 but for a method that tempers. @throws SettingError as a run of the method would.
int64_t replicas_of(const std::string& method, const std::vector<SettingValue>& values);

}  // namespace potluck
