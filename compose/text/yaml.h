// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compose/tree/diagnostics.h"
#include "compose/tree/places.h"
#include "core/error.h"

namespace potluck {

/// A YAML value with its position. Scalars are kept as they were written: what they mean is decided where they are
/// used, so `on`, `1/255` and `0:14` are never guessed at.
struct Yaml {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  Place place;
  std::string text;     ///< of a scalar
  bool quoted = false;  ///< of a scalar
  std::vector<Yaml> list;
  std::vector<Entry> map;  ///< in the order written

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }

  /// The value of a key, or null.
  Yaml* find(const std::string& key);
  const Yaml* find(const std::string& key) const;
  const Entry* entry(const std::string& key) const;

  /// "a map", "'abc'", "nothing": for messages.
  std::string describe() const;
};

struct Yaml::Entry {
  std::string key;
  Place place;
  Yaml value;
};

/// Reads one document. Syntax errors, repeated keys, anchors, aliases, merge keys, tags and second documents are added
/// to `diagnostics`; after a syntax error the value is null. Positions carry `file`; where `positions` is false (text
/// from the command line) they have no line and column.
Yaml read_yaml(const std::string& text, const std::string& file, bool positions, Diagnostics& diagnostics);

/// Where the values of a document stand. Numbers of a list have no place of their own: they are given by the thousand,
/// and no error is about one alone.
Places places_of(const Yaml& root);

/// The same for errors: where several stand at one place, such as below an override, it is that of the first.
void name_paths(const Yaml& root, Diagnostics& diagnostics);

/// Canonical text: indentation for the first two levels, braces below. `replaced`: scalars whose text is to be another,
/// such as paths that were made absolute.
std::string write_yaml(const Yaml& value, const std::map<const Yaml*, std::string>& replaced);

}  // namespace potluck
