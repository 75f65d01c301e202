// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run.h"

#include "compose/engine/bridge.h"
#include "compose/engine/errors.h"
#include "compose/engine/state.h"
#include "compose/engine/told.h"
#include "compose/record/recorded_run.h"
#include "core/sampling/run/until_rule.h"

namespace potluck::engine {

Summary run(Composite& composite, const RunOptions& options) {
  return translated([&] {
    check_draws(composite.state(), "run");
    const Session& session = composite.state().session;
    const potluck::SampleSettings& sample = session.composition().sample;
    session.check_memory(options.share.count > 0 ? options.share.count : sample.chains, /*draws=*/false);
    return session.placed([&] {
      const std::unique_ptr<UntilRule> until = until_rule(session);
      Bridge bridge(session, options, until.get());
      std::vector<potluck::Observer*> observers = {&bridge};
      if (until) observers.push_back(until.get());
      const std::atomic<bool> never = false;
      return told(session.run(observers, options.stop ? *options.stop : never,
                              {.rank = {options.share.first, options.share.count},
                               .until = bridge.rule(),
                               .checkpoint = options.checkpoint}));
    });
  });
}

}  // namespace potluck::engine
