// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/told.h"

namespace potluck::engine {

Progress told(const potluck::Progress& from) {
  Progress progress;
  progress.warmup = from.warmup;
  progress.done = from.done;
  progress.total = from.total;
  progress.acceptance = from.acceptance;
  progress.step_size = from.step_size;
  progress.seconds = from.seconds;
  progress.seconds_left = from.seconds_left();
  progress.gradients_a_second = from.gradients_a_second();
  progress.leapfrogs = from.leapfrogs;
  progress.frozen = from.frozen;
  return progress;
}

Summary told(const RunSummary& from) {
  Summary summary;
  summary.method = from.method;
  summary.exact_method = from.exact_method;
  summary.start = from.start;
  summary.exact_start = from.exact_start;
  summary.why_stopped = from.why_stopped;
  summary.interrupted = from.interrupted;
  summary.steps = from.steps_done;
  summary.draws = from.draws;
  summary.step_size = from.step_size;
  summary.acceptance = from.acceptance;
  summary.gradients = from.evaluations;
  summary.divergences = from.divergences;
  summary.frozen = from.frozen_count;
  summary.notes = from.notes;
  return summary;
}

}  // namespace potluck::engine
