// SPDX-License-Identifier: Apache-2.0
#include "compose/record/recorded_run.h"

#include <fmt/format.h>

#include "compose/engine/bridge.h"
#include "compose/engine/earlier_run.h"
#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "compose/engine/told.h"
#include "compose/engine/typed_command.h"
#include "compose/file/kept_sampler.h"

namespace potluck::engine {
namespace {

potluck::Ranks ranks_of(const Ranks& from) {
  if (from.world < 1 || from.world > kMostRanks)
    throw SettingError("ranks.world", fmt::format(" must be 1 ... {}, got {}", kMostRanks, from.world));
  if (from.rank < 0 || from.rank >= from.world)
    throw SettingError("ranks.rank", fmt::format(" must be 0 ... {}, got {}", from.world - 1, from.rank));
  return {from.rank, from.world, from.told_by.empty() ? "RecordOptions::ranks" : from.told_by};
}

RecordedRunOptions options_of(const RecordOptions& from, const Composite& composite) {
  check_path(from.folder, "folder");
  RecordedRunOptions options;
  options.folder = from.folder;
  options.overwrite = from.overwrite;
  options.ranks = ranks_of(from.ranks);
  options.command = command_of(from.command, "sample", composite.composition());
  options.environment = environment_of(from.environment);
  options.began = from.began;
  return options;
}

void check_own(const RunOptions& options) {
  if (options.share.first != 0 || options.share.count != 0)
    throw SettingError("share", " must be left out of a recorded run, got one. RecordOptions::ranks says it");
  if (!options.checkpoint.empty())
    throw SettingError("checkpoint", " must be left out of a recorded run, got one. An EarlierRun has it");
}

Outcome told(RecordedOutcome from, bool judged) {
  Outcome outcome;
  outcome.summary = engine::told(from.summary);
  outcome.products = engine::told(from.products, judged);
  outcome.share = {from.chains.first, from.chains.count};
  outcome.folder = from.folder.string();
  outcome.wanted = from.wanted.string();
  outcome.older_run_stays = from.older_run_stays;
  outcome.seconds = from.seconds;
  if (from.unconverged) outcome.unconverged = {from.unconverged->standing, from.unconverged->scope};
  return outcome;
}

}  // namespace

struct RecordedRun::State {
  State(Composite& composite, const RecordOptions& options, std::optional<ResumedRun> resumed)
      : session(composite.state().session),
        judged(!options.ranks.several()),
        run(session, options_of(options, composite), std::move(resumed)) {}

  const Session& session;
  bool judged;
  bool begun = false;
  potluck::RecordedRun run;
};

RecordedRun::RecordedRun(Composite& composite, const RecordOptions& options)
    : state_(translated([&] {
        check_draws(composite.state(), "run");
        return std::make_unique<State>(composite, options, std::nullopt);
      })) {}

RecordedRun::RecordedRun(Composite& composite, EarlierRun earlier, const RecordOptions& options)
    : state_(translated([&] {
        check_draws(composite.state(), "run");
        return std::make_unique<State>(composite, options, std::move(earlier.state().run));
      })) {}
RecordedRun::~RecordedRun() = default;
RecordedRun::RecordedRun(RecordedRun&&) noexcept = default;
RecordedRun& RecordedRun::operator=(RecordedRun&&) noexcept = default;

std::string RecordedRun::folder() const { return state_->run.folder().string(); }

Outcome RecordedRun::run(const RunOptions& options, const Composite::Say& say) {
  return translated([&] {
    check_own(options);
    Bridge bridge(state_->session, options, state_->run.until(), state_->run.chains());
    if (std::exchange(state_->begun, true))
      throw SettingError("run", " must be called once of a recorded run, got a second call. Go on with an EarlierRun");
    if (const std::string said = sampler_text(state_->session.composition()); say && !said.empty()) say(said);
    std::vector<potluck::Observer*> observers;
    if (!options.observers.empty() || options.until) observers.push_back(&bridge);
    const std::atomic<bool> never = false;
    return told(state_->run.run(observers, options.stop ? *options.stop : never, bridge.rule(),
                                [&](const std::string& text) {
                                  if (say) say(text);
                                }),
                state_->judged);
  });
}

RecordedRun::Left RecordedRun::left() const noexcept {
  return {state_->run.left_draws(), state_->run.left_checkpoint()};
}

}  // namespace potluck::engine
