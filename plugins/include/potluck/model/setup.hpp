// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "potluck/model/declaration.hpp"

namespace potluck::plugin {

/// A named array of the user's weights file, or a parameter. Valid only while the model is being created.
class Weight {
 public:
  Weight(const potluck_array* array, int32_t index) : array_(array), index_(index) {}
  std::string_view name() const { return array_->name; }
  std::span<const int64_t> shape() const { return {array_->shape, static_cast<size_t>(array_->rank)}; }
  int32_t type() const { return array_->type; }
  int32_t index() const { return index_; }
  int64_t size() const {
    int64_t product = 1;
    for (int64_t extent : shape()) product *= extent;
    return product;
  }
  /// All numbers, row-major, widened to double.
  std::vector<double> numbers() const {
    switch (array_->type) {
      case POTLUCK_FLOAT64:
        return copy<double>();
      case POTLUCK_INT64:
        return copy<int64_t>();
      default:
        return copy<float>();
    }
  }

 private:
  template <class Stored>
  std::vector<double> copy() const {
    const auto* first = static_cast<const Stored*>(array_->data);
    return std::vector<double>(first, first + size());
  }
  const potluck_array* array_;
  int32_t index_;
};

/// A number as error texts show it: "0.5", "1e-30".
inline std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// What a model is created from: the view that its constructor gets. Nothing of it may be kept; copies may.
///
/// Settings and inputs are asked for by their declared names; a name that was not declared, or asked for as another
/// kind, is the author's mistake and throws std::logic_error.
class Setup {
 public:
  Setup(const potluck_setup* raw, std::span<const potluck_input* const> inputs,
        std::span<const potluck_setting* const> settings)
      : raw_(raw), inputs_(inputs), settings_(settings) {}

  double real(std::string_view name) const {
    const int32_t index = setting(name);
    return kind_of(index) == POTLUCK_INTEGER ? static_cast<double>(one(index, POTLUCK_INTEGER).integer[0])
                                             : one(index, POTLUCK_REAL).real[0];
  }
  int64_t integer(std::string_view name) const { return one(setting(name), POTLUCK_INTEGER).integer[0]; }
  bool boolean(std::string_view name) const { return one(setting(name), POTLUCK_BOOL).integer[0] != 0; }
  std::string text(std::string_view name) const { return one(setting(name), POTLUCK_TEXT).text[0]; }
  std::string file(std::string_view name) const { return one(setting(name), POTLUCK_FILE).text[0]; }
  /// The index of the chosen word, in the declared order.
  int64_t choice(std::string_view name) const { return one(setting(name), POTLUCK_CHOICE).integer[0]; }

  std::span<const double> reals(std::string_view name) const {
    const potluck_value& value = many(setting(name), POTLUCK_REAL);
    return {value.real, static_cast<size_t>(value.count)};
  }
  /// Of a list of integers, booleans or choices.
  std::span<const int64_t> integers(std::string_view name) const {
    const int32_t index = setting(name);
    const int32_t kind = kind_of(index);
    const potluck_value& value = many(index, kind == POTLUCK_REAL ? POTLUCK_INTEGER : kind);
    return {value.integer, static_cast<size_t>(value.count)};
  }
  /// Of a list of texts or files.
  std::vector<std::string> texts(std::string_view name) const {
    const int32_t index = setting(name);
    const potluck_value& value = many(index, kind_of(index) == POTLUCK_FILE ? POTLUCK_FILE : POTLUCK_TEXT);
    return {value.text, value.text + value.count};
  }
  /// A list of reals that holds either one number for all or one for each of `count` coordinates, spread to `count`.
  /// @throws Failure POTLUCK_BAD_SETTING "setting 'mean' must have 1 or 784 numbers, got 3"
  std::vector<double> spread(std::string_view name, int64_t count) const {
    const std::span<const double> given = reals(name);
    if (given.size() == 1) return std::vector<double>(static_cast<size_t>(count), given[0]);
    if (given.size() != static_cast<size_t>(count))
      throw setting_error(name,
                          "must have 1 or " + std::to_string(count) + " numbers, got " + std::to_string(given.size()));
    return {given.begin(), given.end()};
  }

  /// Whether the composition binds an input. Only one that was declared optional() can be left out.
  bool has_input(int32_t i) const { return raw_->slots[i] != nullptr; }
  bool has_input(std::string_view name) const { return has_input(input(name)); }
  /// Shape of one row of an input; empty for a single number, and for an input that is left out.
  std::span<const int64_t> shape(int32_t i = 0) const {
    if (!has_input(i)) return {};
    return {raw_->slots[i]->shape, static_cast<size_t>(raw_->slots[i]->rank)};
  }
  std::span<const int64_t> shape(std::string_view name) const { return shape(input(name)); }
  /// Numbers in one row of an input; 0 for one that is left out.
  int64_t size(int32_t i = 0) const {
    int64_t product = has_input(i) ? 1 : 0;
    for (int64_t extent : shape(i)) product *= extent;
    return product;
  }
  int64_t size(std::string_view name) const { return size(input(name)); }
  int64_t categories(std::string_view name) const {
    const int32_t i = input(name);
    return has_input(i) ? raw_->slots[i]->categories : 0;
  }
  /// Support of each coordinate of an input; empty where it is the real line.
  std::span<const double> support_least(int32_t i = 0) const { return support(&potluck_slot::least, i); }
  std::span<const double> support_most(int32_t i = 0) const { return support(&potluck_slot::most, i); }
  /// 1 where a number of an input stands at one value in every evaluation; empty: none is known to. See plugin.h.
  std::span<const uint8_t> held(int32_t i = 0) const {
    if (!has_input(i)) return {};
    const potluck_slot& slot = *raw_->slots[i];
    if (slot.size < offsetof(potluck_slot, value) + sizeof slot.value || slot.held == nullptr) return {};
    return {slot.held, static_cast<size_t>(size(i))};
  }
  /// Those values, as long as held(i).
  std::span<const double> held_values(int32_t i = 0) const {
    if (held(i).empty()) return {};
    return {raw_->slots[i]->value, static_cast<size_t>(size(i))};
  }

  bool has_weights() const { return raw_->weights_count > 0; }
  std::optional<Weight> find_weight(std::string_view name) const {
    for (int64_t i = 0; i < raw_->weights_count; ++i)
      if (name == raw_->weights[i]->name) return Weight(raw_->weights[i], static_cast<int32_t>(i));
    return std::nullopt;
  }
  /// @throws Failure POTLUCK_BAD_SHAPE "weights must have an array 'mean', got 'precision', 'scale'"
  Weight weight(std::string_view name) const {
    if (const std::optional<Weight> found = find_weight(name)) return *found;
    std::string got;
    for (int64_t i = 0; i < raw_->weights_count; ++i)
      got += std::string(got.empty() ? "'" : ", '") + raw_->weights[i]->name + "'";
    throw Failure(POTLUCK_BAD_SHAPE, "weights must have an array " + quoted(name) + ", got " +
                                         (got.empty() ? std::string("no weights file") : got));
  }

  bool on_cuda() const { return raw_->device == POTLUCK_CUDA; }
  int32_t device_index() const { return raw_->device_index; }
  bool float64() const { return raw_->type == POTLUCK_FLOAT64; }
  int64_t most_rows() const { return raw_->most_rows; }
  std::array<uint64_t, 2> initial_key() const { return {raw_->initial_key[0], raw_->initial_key[1]}; }
  const potluck_setup& raw() const { return *raw_; }

  /// Errors to throw: `throw setup.setting_error("width", "must be > 0, got 0")` reads "setting 'width' must be ..."
  Failure setting_error(std::string_view name, const std::string& what) const {
    return {POTLUCK_BAD_SETTING, "setting " + quoted(name) + " " + what, POTLUCK_ABOUT_SETTING, setting(name)};
  }
  Failure input_error(std::string_view name, const std::string& what) const {
    return {POTLUCK_BAD_SHAPE, "input " + quoted(name) + " " + what, POTLUCK_ABOUT_INPUT, input(name)};
  }
  Failure weight_error(const Weight& weight, const std::string& what) const {
    return {POTLUCK_BAD_SHAPE, "weights " + quoted(weight.name()) + " " + what, POTLUCK_ABOUT_WEIGHT, weight.index()};
  }

 private:
  static std::string quoted(std::string_view name) {
    std::string text(1, '\'');  // appended to, since g++ 12 warns falsely of "'" + string
    return text.append(name).append(1, '\'');
  }
  int32_t input(std::string_view name) const {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (name == inputs_[i]->name) return static_cast<int32_t>(i);
    throw std::logic_error("this model declares no input " + quoted(name));
  }
  int32_t setting(std::string_view name) const {
    for (size_t i = 0; i < settings_.size(); ++i)
      if (name == settings_[i]->name) return static_cast<int32_t>(i);
    throw std::logic_error("this model declares no setting " + quoted(name));
  }
  int32_t kind_of(int32_t index) const { return settings_[index]->kind & ~POTLUCK_LIST; }
  const potluck_value& one(int32_t index, int32_t kind) const { return value(index, kind); }
  const potluck_value& many(int32_t index, int32_t kind) const { return value(index, kind | POTLUCK_LIST); }
  const potluck_value& value(int32_t index, int32_t kind) const {
    if (settings_[index]->kind != kind)
      throw std::logic_error("setting " + quoted(settings_[index]->name) + " was declared as another kind");
    return *raw_->values[index];
  }
  std::span<const double> support(const double* potluck_slot::*end, int32_t i) const {
    if (!has_input(i) || raw_->slots[i]->*end == nullptr) return {};
    return {raw_->slots[i]->*end, static_cast<size_t>(size(i))};
  }

  const potluck_setup* raw_;
  std::span<const potluck_input* const> inputs_;
  std::span<const potluck_setting* const> settings_;
};

}  // namespace potluck::plugin
