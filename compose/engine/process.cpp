// SPDX-License-Identifier: Apache-2.0
#include "compose/record/last_words.h"
#include "plugins/plugin_call.h"
#include "potluck/engine.h"

namespace potluck::engine {
namespace {

PluginCall told(const potluck::PluginCall* call) noexcept {
  return call ? PluginCall{call->plugin, call->version, call->model, call->call} : PluginCall{};
}

}  // namespace

PluginCall plugin_call_of_this_thread() noexcept { return told(call_of_this_thread()); }

PluginCall plugin_call_of_any_thread() noexcept { return told(call_of_any_thread()); }

bool this_thread_calls_plugins() noexcept { return potluck::this_thread_calls_plugins(); }

bool leave_last_words(const char* state, const char* why) noexcept { return potluck::leave_last_words(state, why); }

}  // namespace potluck::engine
