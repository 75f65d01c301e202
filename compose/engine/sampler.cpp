// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/sampler.h"

#include <fmt/format.h>

#include "compose/engine/draw_view.h"
#include "compose/engine/errors.h"
#include "compose/engine/state.h"
#include "compose/engine/told.h"

namespace potluck::engine {
namespace {

/// Keeps the last draw.
class Keeper final : public potluck::Observer {
 public:
  explicit Keeper(const Session& session) : session_(session) {}
  void drew(const potluck::Draw& draw) override {
    copy_.take(draw, session_.composition(), session_.plan().experts().size());
  }
  const Draw& last() const { return copy_.view(); }

 private:
  const Session& session_;
  DrawCopy copy_;
};

potluck::RunOptions options_of(const Session& session, const Share& share) {
  potluck::RunOptions options = session.options_of_run();
  options.rank = {share.first, share.count};
  return options;
}

}  // namespace

struct Sampler::State {
  State(const Session& session_, const Share& share)
      : session(session_),
        keeper(session_),
        observers{&keeper},
        target(session_.target()),
        sampler(target, options_of(session_, share), observers) {}

  const Session& session;
  Keeper keeper;
  potluck::Observer* observers[1];
  Target target;
  potluck::Sampler sampler;
};

Sampler::Sampler(Composite& composite, const Share& share)
    : state_(translated([&] {
        check_draws(composite.state(), "sample");
        return std::make_unique<State>(composite.state().session, share);
      })) {}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

void Sampler::start() {
  translated([&] { state_->sampler.start(state_->session.start()); });
}

void Sampler::start(const Points& points) {
  translated([&] {
    if (points.rows < 1) throw SettingError("points.rows", fmt::format(" must be >= 1, got {}", points.rows));
    const potluck::Composition& composition = state_->session.composition();
    const auto start =
        given_start(positions_of(points, composition), points.rows, composition.variables, "given positions");
    state_->sampler.start(*start);
  });
}

void Sampler::restore(std::span<const std::byte> saved) {
  translated([&] { state_->sampler.restore(saved); });
}

std::vector<std::byte> Sampler::save() {
  return translated([&] { return state_->sampler.save(); });
}

bool Sampler::warming_up() const { return state_->sampler.warming_up(); }
int64_t Sampler::steps() const { return state_->sampler.steps(); }
int64_t Sampler::draws() const { return state_->sampler.draws(); }

int64_t Sampler::step(int64_t most) {
  return translated([&] {
    if (most < 1) throw SettingError("most", fmt::format(" must be >= 1 step, got {}", most));
    return state_->sampler.step(most);
  });
}

const Draw& Sampler::draw() {
  return translated([&]() -> const Draw& {
    state_->sampler.draw();
    state_->sampler.finish_draw();
    return state_->keeper.last();
  });
}

Progress Sampler::progress() {
  return translated([&] { return told(state_->sampler.progress()); });
}

Summary Sampler::summary() {
  return translated([&] { return told(state_->sampler.summary()); });
}

}  // namespace potluck::engine
