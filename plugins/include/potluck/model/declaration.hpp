// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>

#include "potluck/plugin.h"

namespace potluck::plugin {

/// An input that the energy depends on. A model declares its inputs as `static constexpr Input inputs[] = {...}`;
/// without that it has one, continuous and drawn, named "x".
struct Input {
  potluck_input declared{sizeof(potluck_input), "x", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "the state", 0, 0, 0};

  /// The model is conditional on this input: p(drawn | parent), normalised over the drawn inputs only.
  constexpr Input parent() const {
    Input copy = *this;
    copy.declared.role = POTLUCK_PARENT;
    return copy;
  }
  /// A composition may leave this input out: Setup::has_input(name) is then false, its size 0, and its arrays in calls
  /// are null or empty.
  constexpr Input optional() const {
    Input copy = *this;
    copy.declared.optional = 1;
    return copy;
  }
  /// Of an optional categorical input: a row's label may be -1, which says that none is given in that row.
  constexpr Input may_be_none() const {
    Input copy = *this;
    copy.declared.may_be_none = 1;
    return copy;
  }
};

constexpr Input continuous(const char* name, const char* summary) {
  return {{sizeof(potluck_input), name, POTLUCK_CONTINUOUS, POTLUCK_DRAWN, summary, 0, 0, 0}};
}
constexpr Input categorical(const char* name, const char* summary) {
  return {{sizeof(potluck_input), name, POTLUCK_CATEGORICAL, POTLUCK_DRAWN, summary, 0, 0, 0}};
}

/// A setting of a model. A model declares its settings as `static constexpr Setting settings[] = {...}`:
///
///   real("strength", "how strongly neighbours attract").at_least(0).preset("1")
///
/// Help text, schema and validation are made of this table by the host, so that a model only ever sees values that
/// keep their bounds. A setting without a preset must be given by the user.
struct Setting {
  static constexpr int kMostChoices = 16;
  potluck_setting declared{};
  const char* choices[kMostChoices + 1] = {};

  /// The default, as the user would write it: "0.5", "true", "a", "1, 2, 3"; "" is an empty text or list.
  constexpr Setting preset(const char* value) const {
    Setting copy = *this;
    copy.declared.preset = value;
    return copy;
  }
  /// The unit that help texts show; "1" unless said.
  constexpr Setting unit(const char* name) const {
    Setting copy = *this;
    copy.declared.unit = name;
    return copy;
  }
  /// Bounds are inclusive, and hold for each element of a list.
  constexpr Setting at_least(double bound) const {
    Setting copy = *this;
    copy.declared.least = bound;
    return copy;
  }
  constexpr Setting at_most(double bound) const {
    Setting copy = *this;
    copy.declared.most = bound;
    return copy;
  }
  /// Several values of the kind.
  constexpr Setting list() const {
    Setting copy = *this;
    copy.declared.kind |= POTLUCK_LIST;
    return copy;
  }
};

constexpr Setting setting_of(int32_t kind, const char* name, const char* summary) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Setting made;
  made.declared = {sizeof(potluck_setting), name, kind, nullptr, "1", -kInfinity, kInfinity, nullptr, summary};
  return made;
}
constexpr Setting boolean(const char* name, const char* summary) { return setting_of(POTLUCK_BOOL, name, summary); }
constexpr Setting integer(const char* name, const char* summary) { return setting_of(POTLUCK_INTEGER, name, summary); }
constexpr Setting real(const char* name, const char* summary) { return setting_of(POTLUCK_REAL, name, summary); }
constexpr Setting text(const char* name, const char* summary) { return setting_of(POTLUCK_TEXT, name, summary); }
/// A path, resolved by the host against the composition file.
constexpr Setting file(const char* name, const char* summary) { return setting_of(POTLUCK_FILE, name, summary); }
/// One word of a few (at most 16, else it does not compile).
constexpr Setting choice(const char* name, std::initializer_list<const char*> words, const char* summary) {
  Setting made = setting_of(POTLUCK_CHOICE, name, summary);
  int count = 0;
  for (const char* word : words) {
    if (count == Setting::kMostChoices) throw std::length_error("a choice has at most 16 words");
    made.choices[count++] = word;
  }
  return made;
}

/// What any function of a model may throw to say precisely what went wrong. Every other std::exception arrives at the
/// host as POTLUCK_INTERNAL with its text, std::bad_alloc as POTLUCK_OUT_OF_MEMORY.
class Failure : public std::runtime_error {
 public:
  /// @param about  POTLUCK_ABOUT_SETTING, _INPUT or _WEIGHT with the index of the declared setting, declared input or
  ///               given weight; the host turns them into the user's file and line.
  Failure(int32_t status_, const std::string& what, int32_t about_ = POTLUCK_ABOUT_NOTHING, int32_t index_ = 0)
      : std::runtime_error(what), status(status_), about(about_), index(index_) {}
  int32_t status;  ///< POTLUCK_BAD_SETTING, ...
  int32_t about;
  int32_t index;
};

}  // namespace potluck::plugin
