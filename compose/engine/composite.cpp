// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "compose/engine/errors.h"
#include "compose/engine/state.h"
#include "compose/file/kept_sampler.h"
#include "compose/session/device.h"
#include "compose/tree/diagnostics.h"

namespace potluck::engine {

namespace {

/// Of errors that know only a place, the paths.
CompositionError with_paths(const CompositionError& error, const Places& places) {
  std::vector<Diagnostic> all = error.all();
  for (Diagnostic& one : all)
    if (one.path.empty() && path_in(one.text).empty()) one.path = places.path_at(one.where);
  return CompositionError(std::move(all));
}

}  // namespace

void check_runs(const Composite::State& state, const char* what) {
  if (state.purpose != Composite::Purpose::kRun)
    throw SettingError("purpose", fmt::format(" must be kRun to {}, got kLook. Make a Composite for a run", what));
}

void check_draws(const Composite::State& state, const char* what) {
  check_runs(state, what);
  if (state.session.composition().only_evaluated)
    throw SettingError("overrides.at",
                       fmt::format(" must be empty to {}, got variables at points. Read the composition "
                                   "without them",
                                   what));
}

Composite::Composite(const Composition& composition, Purpose purpose, const Say& say)
    : state_(translated([&] {
        auto state = std::make_unique<State>(composition, purpose);
        try {
          state->session.prepare(purpose == Purpose::kLook ? Session::Purpose::kLook : Session::Purpose::kRun,
                                 [&say](const std::string& text) {
                                   if (say) say(text);
                                 });
        } catch (const CompositionError& error) {
          throw with_paths(error, state->session.composition().places);
        }
        return state;
      })) {}
Composite::~Composite() = default;
Composite::Composite(Composite&&) noexcept = default;
Composite& Composite::operator=(Composite&&) noexcept = default;

const Composition& Composite::composition() const noexcept { return state_->composition; }

std::string Composite::device() const { return device_name(state_->session.device()); }

int Composite::threads() const { return state_->session.options().threads; }

const std::vector<std::string>& Composite::experts() const { return state_->session.plan().experts(); }

std::vector<Leaf> Composite::leaves() const {
  std::vector<Leaf> all;
  for (const PlannedLeaf& one : state_->session.plan().leaves())
    all.push_back({one.name, one.model, one.rows_a_chain, one.used, one.weight});
  return all;
}

std::string Composite::start() const { return state_->session.start().description(); }

std::vector<std::string> Composite::explanation() const {
  return translated([&] {
    std::vector<std::string> lines = state_->session.plan().explanation();
    if (const std::string said = sampler_text(state_->session.composition()); !said.empty()) lines.push_back(said);
    return lines;
  });
}

const std::vector<std::string>& Composite::warnings() const { return state_->session.warnings(); }

LogZ Composite::log_z() const {
  return translated([&] {
    const LogNormaliser found = state_->session.plan().log_normaliser();
    if (!found.known) return LogZ{false, 0, 0, found.why()};
    if (found.awaited) return LogZ{false, 0, 0, "an estimate of a branch's log Z is still to be made"};
    if (found.depends_on_parents()) return LogZ{false, 0, 0, "it depends on inputs that the target does not draw"};
    return LogZ{true, found.constant, found.standard_error, found.how};
  });
}

Evaluation Composite::evaluate(const Points& points) {
  return translated([&] {
    check_runs(*state_, "evaluate");
    if (!state_->evaluator) state_->evaluator = std::make_unique<Evaluator>(state_->session);
    return state_->evaluator->evaluate(points);
  });
}

}  // namespace potluck::engine
