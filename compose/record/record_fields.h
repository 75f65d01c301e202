// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compose/record/run_facts.h"

namespace potluck {

/// An object of a record, read without a complaint: what is missing or of another kind is not known. What commands rely
/// on was checked before (parse_record). It refers to the object.
class RecordFields {
 public:
  explicit RecordFields(const RunRecord& object) : object_(object) {}

  /// Null where there is none.
  const RunRecord* find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  bool has(const char* key) const { return find(key) != nullptr; }

  std::optional<std::string> text_if(const char* key) const {
    const RunRecord* value = find(key);
    return value && value->is_string() ? std::optional(value->get<std::string>()) : std::nullopt;
  }
  std::optional<int64_t> whole_if(const char* key) const {
    const RunRecord* value = find(key);
    return value && value->is_number_integer() ? std::optional(value->get<int64_t>()) : std::nullopt;
  }
  std::optional<double> number_if(const char* key) const {
    const RunRecord* value = find(key);
    return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
  }
  std::optional<bool> flag_if(const char* key) const {
    const RunRecord* value = find(key);
    return value && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
  }
  std::string text(const char* key) const { return text_if(key).value_or(""); }
  int64_t whole(const char* key, int64_t otherwise = 0) const { return whole_if(key).value_or(otherwise); }
  /// NaN where there is none: null stands for what is not finite.
  double number(const char* key) const { return number_if(key).value_or(std::nan("")); }

  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> all;
    for (const RunRecord& one : items(key))
      if (one.is_string()) all.push_back(one.get<std::string>());
    return all;
  }
  std::vector<int64_t> wholes(const char* key) const {
    std::vector<int64_t> all;
    for (const RunRecord& one : items(key))
      if (one.is_number_integer()) all.push_back(one.get<int64_t>());
    return all;
  }
  std::vector<double> numbers(const char* key) const {
    std::vector<double> all;
    for (const RunRecord& one : items(key)) all.push_back(one.is_number() ? one.get<double>() : std::nan(""));
    return all;
  }
  /// A list; empty where there is none.
  const RunRecord& items(const char* key) const {
    static const RunRecord none = RunRecord::array();
    const RunRecord* value = find(key);
    return value && value->is_array() ? *value : none;
  }
  /// An object; empty where there is none.
  const RunRecord& object(const char* key) const {
    static const RunRecord none = RunRecord::object();
    const RunRecord* value = find(key);
    return value && value->is_object() ? *value : none;
  }

 private:
  const RunRecord& object_;
};

}  // namespace potluck
