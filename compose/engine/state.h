// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/engine/evaluator.h"
#include "compose/session/plugin_search.h"
#include "compose/session/session.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// What the objects of the face hold.

struct Plugins::State {
  PluginSearch search;
};

struct Composition::State {
  SessionOptions options;
  potluck::Composition composition;
};

struct Composite::State {
  State(const Composition& read, Purpose purpose_)
      : composition(read), session(read.state().options, read.state().composition), purpose(purpose_) {}

  Composition composition;
  Session session;
  Purpose purpose;
  std::unique_ptr<Evaluator> evaluator;  ///< from the first evaluation on
};

/// @throws Error where the composite was only to be looked at
void check_runs(const Composite::State& state, const char* what);

/// @throws Error there too, and where it was only to be evaluated
void check_draws(const Composite::State& state, const char* what);

}  // namespace potluck::engine
