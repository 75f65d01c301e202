// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run.h"

#include "compose/engine/draw_view.h"
#include "compose/engine/errors.h"
#include "compose/engine/state.h"
#include "compose/engine/told.h"
#include "core/sampling/run/until_rule.h"

namespace potluck::engine {
namespace {

/// Shows a run of the inside to the observers of the face, and asks their rule and the composition's.
class Bridge final : public potluck::Observer, public potluck::StopRule {
 public:
  Bridge(const Session& session, const RunOptions& options) : session_(session), options_(options) {
    const potluck::Composition& composition = session.composition();
    const potluck::SampleSettings& sample = composition.sample;
    if (sample.until.any())
      until_ = std::make_unique<UntilRule>(sample.until, composition.variables, composition.held, sample.precision,
                                           sample.chains);
  }

  void drew(const potluck::Draw& draw) override {
    last_ = view_of(draw, session_.composition(), session_.plan().experts().size());
    for (engine::Observer* one : options_.observers) one->drew(last_);
    // The arrays stay until the rules were asked, which is before the chains move on.
    if (until_) until_->drew(draw);
  }
  void progressed(const potluck::Progress& progress) override {
    for (engine::Observer* one : options_.observers) one->progressed(engine::told(progress));
  }
  void checkpointed(std::span<const std::byte> state, int64_t draws) override {
    for (engine::Observer* one : options_.observers) one->checkpointed(state, draws);
  }
  std::optional<std::string> reached(int64_t draws, int64_t steps) override {
    if (until_)
      if (auto why = until_->reached(draws, steps)) return why;
    return options_.until && last_.chains > 0 ? options_.until->reached(last_) : std::nullopt;
  }

 private:
  const Session& session_;
  const RunOptions& options_;
  std::unique_ptr<UntilRule> until_;
  engine::Draw last_;
};

}  // namespace

Summary run(Composite& composite, const RunOptions& options) {
  return translated([&] {
    check_runs(composite.state(), "run");
    const Session& session = composite.state().session;
    const potluck::SampleSettings& sample = session.composition().sample;
    session.check_memory(options.share.count > 0 ? options.share.count : sample.chains, /*draws=*/false);
    return session.placed([&] {
      Bridge bridge(session, options);
      potluck::Observer* const observers[] = {&bridge};
      const std::atomic<bool> never = false;
      return told(session.run(
          observers, options.stop ? *options.stop : never,
          {.rank = {options.share.first, options.share.count}, .until = &bridge, .checkpoint = options.checkpoint}));
    });
  });
}

}  // namespace potluck::engine
