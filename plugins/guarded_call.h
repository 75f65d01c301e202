// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>

#include "plugins/floating_point.h"
#include "plugins/model.h"
#include "plugins/plain_text.h"
#include "plugins/plugin_call.h"
#include "plugins/process_state.h"
#include "potluck/plugin.h"

namespace potluck {

/// What a plugin writes its complaint into. Zeroed, so that a text without an end still has one.
class Complaint {
 public:
  Complaint() { error_ = {sizeof(potluck_error), text_.data(), text_.size(), POTLUCK_ABOUT_NOTHING, 0}; }
  Complaint(const Complaint&) = delete;
  Complaint& operator=(const Complaint&) = delete;

  potluck_error* error() { return &error_; }
  int32_t about() const { return error_.about; }
  int32_t index() const { return error_.index; }

  /// An exception came out of the call, of which this is the text.
  void say_thrown(const char* text) {
    threw_ = true;
    say(text);
  }
  bool threw() const { return threw_; }

  void say(const char* text) { std::strncpy(text_.data(), text, text_.size() - 1); }

  /// One printable line; empty where the plugin said nothing.
  std::string text() {
    text_.back() = '\0';
    std::string text = plain_line(text_.data());
    while (text.ends_with(' ') || text.ends_with('.')) text.pop_back();
    return text;
  }

 private:
  std::array<char, 1024> text_{};
  potluck_error error_{};
  bool threw_ = false;
};

inline PluginCall call_of(const ModelKind& kind, const char* call) {
  return {kind.plugin_id.c_str(), kind.plugin_version.c_str(), kind.name.c_str(), call};
}

/// Calls into a plugin, whose last argument is always the complaint, within a PluginCallScope. What must not come out
/// does not.
template <typename Function, typename... Arguments>
int ask_plainly(Function* function, Complaint& complaint, Arguments... arguments) {
  const FloatingPointGuard guard;
  const WatchedCall watched;
  try {
    return function(arguments..., complaint.error());
  } catch (const std::exception& error) {
    complaint.say_thrown(error.what());
  } catch (...) {
    complaint.say_thrown("something was thrown that is no std::exception");
  }
  return POTLUCK_INTERNAL;
}

/// The same, with what is kept and watched in every call.
template <typename Function, typename... Arguments>
int ask(const ModelKind& kind, const char* call, Function* function, Complaint& complaint, Arguments... arguments) {
  int status;
  {
    const PluginCallScope scope(call_of(kind, call));
    if (kind.plugin_torch == "none") {
      status = ask_plainly(function, complaint, arguments...);
    } else {
      const DefaultTypeGuard type;
      status = ask_plainly(function, complaint, arguments...);
    }
  }
  check_for_strays();
  return status;
}

/// "a shape does not fit": a status other than POTLUCK_OK, for a plugin that said nothing.
std::string status_in_words(int status);

}  // namespace potluck
