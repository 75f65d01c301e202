// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/bridge.h"

#include <fmt/format.h>

#include <algorithm>

#include "compose/engine/draw_view.h"
#include "compose/engine/told.h"

namespace potluck::engine {

Bridge::Bridge(const Session& session, const RunOptions& options, UntilRule* own, const Rank& rank)
    : session_(session), options_(options), own_(own), states_(session, rank) {
  const auto null = std::find(options.observers.begin(), options.observers.end(), nullptr);
  if (null != options.observers.end())
    throw SettingError(fmt::format("observers[{}]", null - options.observers.begin()),
                       " must be an observer, got a null pointer");
}

std::vector<std::byte> Bridge::checkpoint() {
  return options_.checkpoint.empty() ? std::vector<std::byte>() : states_.unpacked(options_.checkpoint);
}

void Bridge::drew(const potluck::Draw& draw) {
  // The arrays stay until the rules were asked, which is before the chains move on.
  view(draw, session_.composition(), session_.plan().experts().size(), last_);
  for (engine::Observer* one : options_.observers) one->drew(last_);
}

void Bridge::progressed(const potluck::Progress& progress) {
  const Progress face = told(progress);
  for (engine::Observer* one : options_.observers) one->progressed(face);
}

void Bridge::checkpointed(std::span<const std::byte> state, int64_t draws) {
  if (options_.observers.empty()) return;
  const std::vector<std::byte> saved = states_.packed(state, draws);
  for (engine::Observer* one : options_.observers) one->checkpointed(saved, draws);
}

std::optional<std::string> Bridge::reached(int64_t draws, int64_t steps) {
  if (own_)
    if (auto why = own_->reached(draws, steps)) return why;
  return options_.until && last_.chains > 0 ? options_.until->reached(last_) : std::nullopt;
}

}  // namespace potluck::engine
