// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/sampler.h"

#include <fmt/format.h>

#include "compose/engine/draw_view.h"
#include "compose/engine/errors.h"
#include "compose/engine/saved_state.h"
#include "compose/engine/share.h"
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

potluck::RunOptions options_of(const Session& session, const Rank& rank) {
  potluck::RunOptions options = session.options_of_run();
  options.rank = rank;
  return options;
}

}  // namespace

struct Sampler::State {
  State(const Session& session_, const Share& share)
      : session(session_),
        rank(rank_of(share, session_)),
        keeper(session_),
        observers{&keeper},
        target(session_.target()),
        states(session_, rank) {
    session.placed([&] { fresh = make(); });
  }

  std::unique_ptr<potluck::Sampler> make() const {
    return std::make_unique<potluck::Sampler>(target, options_of(session, rank), observers);
  }

  /// Puts the chains of a sampler that nothing was done with where they begin, by `begin`. What was there before stays
  /// where that fails.
  template <class Begin>
  void start(const Begin& begin) {
    std::unique_ptr<potluck::Sampler> next = fresh ? std::move(fresh) : make();
    begin(*next);
    end_warm_up(*next);
    begun = std::move(next);
  }

  /// Where the last step of the warm-up is done.
  static void end_warm_up(potluck::Sampler& sampler) {
    if (sampler.warming_up() && sampler.steps() == sampler.warm_up_steps()) sampler.end_warm_up();
  }

  /// @throws SettingError where there are no chains yet
  potluck::Sampler& sampler(const char* asked) const {
    if (!begun) throw SettingError(asked, " must be called once chains are there, got none. Call start() or restore()");
    return *begun;
  }

  const Session& session;
  Rank rank;
  Keeper keeper;
  potluck::Observer* observers[1];
  Target target;
  SavedStates states;
  std::unique_ptr<potluck::Sampler> fresh;  ///< that nothing was done with
  std::unique_ptr<potluck::Sampler> begun;  ///< whose chains have their places
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
  translated([&] { state_->start([&](potluck::Sampler& sampler) { sampler.start(state_->session.start()); }); });
}

void Sampler::start(const Points& points) {
  translated([&] {
    if (points.rows < 1) throw SettingError("points.rows", fmt::format(" must be >= 1, got {}", points.rows));
    const potluck::Composition& composition = state_->session.composition();
    const auto start =
        given_start(positions_of(points, composition), points.rows, composition.variables, "given positions");
    state_->start([&](potluck::Sampler& sampler) { sampler.start(*start); });
  });
}

void Sampler::restore(std::span<const std::byte> saved) {
  translated([&] {
    const std::vector<std::byte> state = state_->states.unpacked(saved);
    state_->start([&](potluck::Sampler& sampler) { sampler.restore(state); });
  });
}

std::vector<std::byte> Sampler::save() {
  return translated([&] {
    potluck::Sampler& sampler = state_->sampler("save()");
    return state_->states.packed(sampler.save(), sampler.draws());
  });
}

bool Sampler::warming_up() const { return !state_->begun || state_->begun->warming_up(); }
int64_t Sampler::steps() const { return state_->begun ? state_->begun->steps() : 0; }
int64_t Sampler::draws() const { return state_->begun ? state_->begun->draws() : 0; }

int64_t Sampler::step(int64_t most) {
  return translated([&] {
    potluck::Sampler& sampler = state_->sampler("step()");
    if (most < 1) throw SettingError("most", fmt::format(" must be >= 1 step, got {}", most));
    const int64_t steps = sampler.step(most);
    State::end_warm_up(sampler);
    return steps;
  });
}

const Draw& Sampler::draw() {
  return translated([&]() -> const Draw& {
    potluck::Sampler& sampler = state_->sampler("draw()");
    if (sampler.warming_up())
      throw SettingError("draw()", fmt::format(" must be called behind the warm-up, got step {} of its {}. Call step() "
                                               "while warming_up()",
                                               sampler.steps(), sampler.warm_up_steps()));
    if (sampler.steps_since_draw() == 0)
      throw SettingError("draw()", fmt::format(" must be called at least one step behind {}, got none. Call step()",
                                               sampler.draws() > 0 ? "the last draw" : "the warm-up"));
    sampler.draw();
    sampler.finish_draw();
    return state_->keeper.last();
  });
}

Progress Sampler::progress() {
  return translated([&] { return told(state_->sampler("progress()").progress()); });
}

Summary Sampler::summary() {
  return translated([&] {
    potluck::Sampler& sampler = state_->sampler("summary()");
    const SoFar so_far = sampler.so_far();
    Summary summary = told(sampler.summary());
    summary.steps = so_far.steps;
    summary.acceptance = so_far.acceptance;
    summary.divergences = so_far.divergences;
    return summary;
  });
}

}  // namespace potluck::engine
