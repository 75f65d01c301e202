// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/sampling/method.h"
#include "core/sampling/run.h"

namespace potluck {

namespace {

void check_at_least(const char* what, int64_t value, int64_t least) {
  if (value < least) throw SettingError(fmt::format("sample.{} must be >= {}, got {}", what, least, value));
}

}  // namespace

void check_run(const Target& target, const RunOptions& options) {
  check_at_least("chains", options.chains, 1);
  check_at_least("warmup", options.warmup, 0);
  check_at_least("steps", options.steps, 1);
  check_at_least("thin", options.thin, 1);
  check_at_least("threads", options.threads, 0);
  if (options.rank.first < 0 || options.rank.count < 0 || options.rank.first + options.rank.count > options.chains) {
    throw SettingError(fmt::format("a rank must have chains of 0 ... {}, got {} from {}", options.chains - 1,
                                   options.rank.count, options.rank.first));
  }
  if (!(target.temperature > 0) || !std::isfinite(target.temperature)) {
    throw SettingError(fmt::format("sample.temperature must be > 0, got {:g}", target.temperature));
  }
  if (options.warmup + options.steps > int64_t{UINT32_MAX}) {
    throw SettingError(
        fmt::format("sample.warmup + sample.steps must be <= {}, got {}", UINT32_MAX, options.warmup + options.steps));
  }
  if (options.steps % options.thin != 0) {
    throw SettingError(fmt::format("sample.steps must be a multiple of sample.thin ({}), got {}. Use {}", options.thin,
                                   options.steps, (options.steps / options.thin + 1) * options.thin));
  }
  const std::unique_ptr<Method> method = make_method(options.method, options.values);
  method->check(target);
  if (method->tuning().any() && options.warmup < 20) {
    throw SettingError(fmt::format(
        "sample.warmup must be >= 20 where step_size is auto, got {}. Raise it, or give a step_size", options.warmup));
  }
}

}  // namespace potluck
