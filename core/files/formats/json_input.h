// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"

namespace potluck {

/// Objects and lists inside each other, at most: what is written here has a handful, and comparing or printing deeper
/// ones would use up the stack.
inline constexpr int kMostNestedJson = 100;

/// Reads a text of JSON. @param where  names it in errors: the file, or the part of it that is JSON
/// @throws FileError "<where>: must be JSON, got ..."
template <class Json>
Json parse_json(std::string_view text, const std::string& where) {
  bool deep = false;
  const auto watch = [&](int depth, typename Json::parse_event_t, Json&) {
    deep = deep || depth > kMostNestedJson;
    return !deep;  // what is deeper is read and forgotten
  };
  Json value = Json::parse(text.begin(), text.end(), watch, false);
  if (deep) {
    throw FileError(fmt::format("{}: must be JSON of at most {} lists and objects inside each other, got more", where,
                                kMostNestedJson));
  }
  if (!value.is_discarded()) return value;
  std::string reason = "something else";
  try {
    value = Json::parse(text.begin(), text.end());
  } catch (const typename Json::exception& error) {
    reason = fmt::format("an error: {}", error.what());
  }
  throw FileError(fmt::format("{}: must be JSON, got {}", where, reason));
}

/// A value of a JSON file that knows where it stands, so that what is missing or of another kind is an error of that
/// file and key: "runs/a/run.json: rank.world must be a whole number, got "two"". It refers to the value.
template <class Json>
class JsonInput {
 public:
  JsonInput(const Json& value, std::string file, std::string key = "")
      : value_(&value), file_(std::move(file)), key_(std::move(key)) {}

  const Json& value() const { return *value_; }
  bool is_null() const { return value_->is_null(); }

  bool has(const char* key) const { return value_->is_object() && value_->contains(key); }
  /// @throws FileError where this is no object, or has no such key
  JsonInput at(const std::string& key) const {
    if (!value_->is_object()) fail("an object");
    const auto found = value_->find(key);
    if (found == value_->end()) {
      throw FileError(fmt::format("{}: {}must have the key '{}', got none of that name", file_,
                                  key_.empty() ? "" : key_ + " ", key));
    }
    return {*found, file_, key_.empty() ? key : key_ + "." + key};
  }

  /// The items of a list. @throws FileError where it is none
  std::vector<JsonInput> items() const {
    if (!value_->is_array()) fail("a list");
    std::vector<JsonInput> all;
    for (size_t i = 0; i < value_->size(); ++i) all.push_back({(*value_)[i], file_, fmt::format("{}[{}]", key_, i)});
    return all;
  }
  /// The values of an object, by their keys. @throws FileError where it is none
  std::vector<std::pair<std::string, JsonInput>> entries() const {
    if (!value_->is_object()) fail("an object");
    std::vector<std::pair<std::string, JsonInput>> all;
    for (const auto& [key, one] : value_->items())
      all.emplace_back(key, JsonInput{one, file_, key_.empty() ? key : key_ + "." + key});
    return all;
  }

  std::string text() const {
    if (!value_->is_string()) fail("a text");
    return value_->template get<std::string>();
  }
  bool flag() const {
    if (!value_->is_boolean()) fail("true or false");
    return value_->template get<bool>();
  }
  double number() const {
    if (!value_->is_number()) fail("a number");
    return value_->template get<double>();
  }
  /// JSON has no infinities and no NaN: they stand as null, and the place says which is meant.
  double number_or(double otherwise) const { return value_->is_null() ? otherwise : number(); }
  int64_t whole(int64_t least = std::numeric_limits<int64_t>::min(),
                int64_t most = std::numeric_limits<int64_t>::max()) const {
    const bool fits = value_->is_number_unsigned() ? value_->template get<uint64_t>() <=
                                                         static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                                                   : value_->is_number_integer();
    if (!fits) fail("a whole number");
    const auto found = value_->template get<int64_t>();
    if (found < least) fail(fmt::format("a whole number >= {}", least));
    if (found > most) fail(fmt::format("a whole number <= {}", most));
    return found;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const JsonInput& one : items()) all.push_back(one.text());
    return all;
  }
  std::vector<int64_t> wholes(int64_t least = std::numeric_limits<int64_t>::min()) const {
    std::vector<int64_t> all;
    for (const JsonInput& one : items()) all.push_back(one.whole(least));
    return all;
  }
  std::vector<double> numbers_or(double otherwise) const {
    std::vector<double> all;
    for (const JsonInput& one : items()) all.push_back(one.number_or(otherwise));
    return all;
  }

  /// @throws FileError "<file>: <key> must be <expected>, got <this>"
  [[noreturn]] void fail(const std::string& expected) const {
    std::string got = value_->is_structured()
                          ? (value_->is_array() ? "a list" : "an object")
                          : value_->dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80);
    throw FileError(fmt::format("{}: {} must be {}, got {}", file_, key_.empty() ? "all of it" : key_, expected, got));
  }

 private:
  const Json* value_;
  std::string file_, key_;
};

}  // namespace potluck
