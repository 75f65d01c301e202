// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/option_errors.h"

#include <fmt/format.h>

#include <cmath>

#include "core/sampling/adaptation.h"
#include "core/sampling/method.h"

namespace potluck {

std::vector<SettingError> option_errors(const RunOptions& options, double temperature) {
  std::vector<SettingError> errors;
  const auto check_at_least = [&errors](const char* what, int64_t value, int64_t least) {
    if (value < least) errors.emplace_back(fmt::format("sample.{} must be >= {}, got {}", what, least, value));
  };
  check_at_least("chains", options.chains, 1);
  check_at_least("warmup", options.warmup, 0);
  check_at_least("steps", options.steps, 1);
  check_at_least("thin", options.thin, 1);
  check_at_least("threads", options.threads, 0);
  if (!(temperature > 0) || !std::isfinite(temperature)) {
    errors.emplace_back(fmt::format("sample.temperature must be > 0, got {:g}", temperature));
  }
  if (const int64_t all = options.cooling.steps + options.warmup + options.steps; all > int64_t{UINT32_MAX}) {
    errors.emplace_back(fmt::format("sample.warmup + sample.steps{} must be <= {}, got {}",
                                    options.cooling.any() ? " + sample.cooling.steps" : "", UINT32_MAX, all));
  }
  check_at_least("cooling.steps", options.cooling.steps, 0);
  if (options.cooling.any() && !(options.cooling.from > temperature && std::isfinite(options.cooling.from))) {
    errors.emplace_back(fmt::format(
        "sample.cooling.from must be above sample.temperature ({:g}), got {:g}. Raise it, or leave cooling out",
        temperature, options.cooling.from));
  }
  if (options.thin >= 1 && options.steps >= 1 && options.steps % options.thin != 0) {
    errors.emplace_back(fmt::format("sample.steps must be a multiple of sample.thin ({}), got {}. Use {}", options.thin,
                                    options.steps, (options.steps / options.thin + 1) * options.thin));
  }
  if (options.rank.first < 0 || options.rank.count < 0 || options.rank.first + options.rank.count > options.chains) {
    errors.emplace_back(fmt::format("a rank must have chains of 0 ... {}, got {} from {}", options.chains - 1,
                                    options.rank.count, options.rank.first));
  }
  try {
    const std::unique_ptr<Method> method = make_method(options);
    const Tuning tuning = method->tuning();
    if (options.cooling.any() && (method->replicas() > 1 || method->description().own_temperature)) {
      errors.emplace_back(fmt::format("sample.cooling must be left out with {}, got {} steps: {}",
                                      method->description().name, options.cooling.steps,
                                      method->replicas() > 1 ? "its hot replicas do the same in every step"
                                                             : "its own options set its temperature"));
    }
    if (tuning.any() && options.warmup < 20) {
      const char* what = tuning.ladder && !tuning.acceptance ? "ladder" : "step_size";
      errors.emplace_back(fmt::format("sample.warmup must be >= 20 where {} is auto, got {}. Raise it, or give a {}",
                                      what, options.warmup, what));
    }
    if (tuning.dense && options.warmup >= 20 && options.warmup < kLeastStepsForMetric) {
      errors.emplace_back(fmt::format("sample.warmup must be >= {} where metric is dense, got {}. Raise it",
                                      kLeastStepsForMetric, options.warmup));
    }
    if (const int64_t most = int64_t{UINT32_MAX} / method->replicas(); options.chains > most) {
      errors.emplace_back(fmt::format("sample.chains must be <= {}{}, got {}", most,
                                      method->replicas() > 1 ? fmt::format(" of {} replicas", method->replicas()) : "",
                                      options.chains));
    }
  } catch (const SettingError& error) {
    errors.push_back(error);
  }
  return errors;
}

}  // namespace potluck
