// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// Every kind of map that a composition file may hold.
enum class Section {
  kFile,
  kIncluded,
  kVariable,
  kView,
  kLeaf,
  kReference,
  kProduct,
  kProductTerm,
  kMixture,
  kMixtureBranch,
  kLogZ,
  kNot,
  kNotBody,
  kTemper,
  kTemperBody,
  kHierarchy,
  kEach,
  kEachBody,
  kGiven,
  kSample,
  kUntil,
  kBlock,
  kAnneal,
  kAnnealed,
  kCooling,
  kLearn,
  kLearnPhase,
  kLearnUntil,
  kLearnNoise,
  kLearnNegatives,
  kLearnSamples,
  kOutput,
  kLearnData,
};

/// What may stand behind a key.
enum class Expect {
  kNumber,
  kNumberOrAuto,  ///< a number, or `auto`
  kInteger,
  kFlag,
  kChoice,
  kText,
  kIntegers,    ///< a list of integers, or one
  kTexts,       ///< a list of texts, or one
  kNumbers,     ///< a number or lists of numbers, nested as the shape
  kInterval,    ///< [least, most]
  kEnergy,      ///< a name, or a node written inline
  kInputs,      ///< a name, or a map from input to name or literal
  kLogZ,        ///< a number, `estimate`, or a map of `section`
  kSettings,    ///< a map that the model's own table checks
  kSection,     ///< one map of `section`
  kSectionMap,  ///< a map from names to maps of `section`
  kEnergyMap,   ///< a map from names to energies
  kList,        ///< a list of maps of `section`, or of energies too where `section` is a term, branch or reference
};

/// One key of a map: the one source of validation, of the JSON Schema and of the list of known keys in messages.
struct Key {
  std::string name;
  Expect expect = Expect::kText;
  std::string summary;
  bool required = false;
  double least = -std::numeric_limits<double>::infinity();
  bool above = false;  ///< `least` itself is not allowed
  double most = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};
  Section section = Section::kFile;
};

struct KeyTable {
  std::string what;  ///< "a product term"
  std::vector<Key> keys;

  const Key& key(const std::string& name) const;
  std::vector<std::string> names() const;
};

const KeyTable& key_table(Section section);

/// Reports unknown and missing keys. `also`: further keys that are known here (a method's options).
/// @return false where the value is not a map at all, which is reported too; `what` says what it is, such as
///   "variables.image".
bool check_keys(const Yaml& value, Section section, const std::string& what, Diagnostics& diagnostics,
                const std::vector<std::string>& also = {});

/// The value of a key, checked against its bounds; nothing, after a diagnostic, where it is wrong.
std::optional<double> read_number(const Yaml& value, const Key& key, const std::string& what, Diagnostics& diagnostics);
std::optional<int64_t> read_integer(const Yaml& value, const Key& key, const std::string& what,
                                    Diagnostics& diagnostics);
std::optional<bool> read_flag(const Yaml& value, const std::string& what, Diagnostics& diagnostics);
std::optional<std::string> read_text(const Yaml& value, const Key& key, const std::string& what,
                                     Diagnostics& diagnostics);
std::optional<std::vector<int64_t>> read_integers(const Yaml& value, const Key& key, const std::string& what,
                                                  Diagnostics& diagnostics);
std::optional<std::vector<std::string>> read_texts(const Yaml& value, const std::string& what,
                                                   Diagnostics& diagnostics);

/// Names become parts of names in NetCDF (at most 256 bytes) and of files (at most 255), with an ending each.
constexpr size_t kLongestName = 128;

/// Names of variables, views and energies: an ASCII letter, then letters, digits, '_' or '-', at most kLongestName. The
/// only place that says so.
bool check_name(const Yaml::Entry& entry, const std::string& what, Diagnostics& diagnostics);

}  // namespace potluck
