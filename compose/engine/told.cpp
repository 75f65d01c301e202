// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/told.h"

#include "compose/engine/errors.h"

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
  progress.steps_a_second = from.steps_a_second();
  progress.gradients_a_second = from.gradients_a_second();
  progress.gradients_a_step = from.gradients_a_step;
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
  summary.stopped_by_rule = from.stopped_by_rule;
  for (const BlockSummary& one : from.blocks) summary.blocks.push_back({one.variables, one.method, one.step_size});
  summary.steps = from.steps_done;
  summary.draws = from.draws;
  summary.step_size = from.step_size;
  summary.acceptance = from.acceptance;
  summary.gradients = from.evaluations;
  summary.divergences = from.sums.divergences;
  summary.frozen = from.frozen_count;
  summary.notes = from.notes;
  return summary;
}

Verdict told(const RunVerdict& from) {
  Verdict verdict{from.usable(), from.text(), {}, from.steps};
  for (const Finding& one : from.findings) verdict.findings.push_back(one.text);
  return verdict;
}

Products told(const RunProducts& from, bool judged) {
  Products products;
  products.draws = from.summary.draws;
  products.chains = from.summary.chains;
  if (judged && from.summary.draws > 0) products.convergence = convergence_text(from.summary);
  products.branches = branch_texts(from.summary);
  for (const potluck::NotMade& one : from.not_made) products.not_made.push_back({one.file, face_error(one.error)});
  if (judged) products.verdict = told(from.verdict);
  return products;
}

}  // namespace potluck::engine
