// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/bridge.h"

#include "compose/engine/draw_view.h"
#include "compose/engine/told.h"

namespace potluck::engine {

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
  for (engine::Observer* one : options_.observers) one->checkpointed(state, draws);
}

std::optional<std::string> Bridge::reached(int64_t draws, int64_t steps) {
  if (own_)
    if (auto why = own_->reached(draws, steps)) return why;
  return options_.until && last_.chains > 0 ? options_.until->reached(last_) : std::nullopt;
}

}  // namespace potluck::engine
