// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/child.h"

namespace potluck {

namespace {

struct NamedCheck {
  const char* name;
  conformance::Finding (*run)(const conformance::Subject&);
  bool (*concerns)(const ModelKind&) = nullptr;  ///< null: every model
};

bool has_optional_inputs(const ModelKind& kind) {
  return std::any_of(kind.inputs.begin(), kind.inputs.end(), [](const InputDescription& one) { return one.optional; });
}

bool has_gaussian_part(const ModelKind& kind) { return kind.has_gaussian_part(); }
bool has_statistics(const ModelKind& kind) { return kind.has_statistics(); }
bool has_log_normaliser_gradient(const ModelKind& kind) { return kind.has_log_normaliser_gradient(); }
bool learns(const ModelKind& kind) {
  return kind.table->parameters != nullptr || kind.table->parameter_gradient != nullptr;
}

/// In the order of the report: what later checks build on comes first.
constexpr std::array kChecks = {
    NamedCheck{"energies are numbers", conformance::check_energies_are_numbers},
    NamedCheck{"inputs untouched", conformance::check_inputs_are_untouched},
    NamedCheck{"memory respected", conformance::check_memory_is_respected},
    NamedCheck{"calls repeat", conformance::check_calls_repeat},
    NamedCheck{"energy alone agrees", conformance::check_energy_alone_agrees},
    NamedCheck{"floating-point mode kept", conformance::check_floating_point_mode},
    NamedCheck{"process left alone", conformance::check_process_is_left_alone},
    NamedCheck{"float32 agrees with float64", conformance::check_single_precision},
    NamedCheck{"rows in other companies", conformance::check_rows_in_other_companies},
    NamedCheck{"batch sizes agree", conformance::check_batch_sizes},
    NamedCheck{"threads", conformance::check_threads},
    NamedCheck{"gradient", conformance::check_gradient},
    NamedCheck{"row weights and accumulation", conformance::check_weights_and_accumulation},
    NamedCheck{"numbers known beforehand", conformance::check_numbers_known_beforehand},
    NamedCheck{"optional inputs", conformance::check_optional_inputs, has_optional_inputs},
    NamedCheck{"settings", conformance::check_settings},
    NamedCheck{"least energy", conformance::check_least_energy},
    NamedCheck{"log Z against quadrature", conformance::check_log_normaliser},
    NamedCheck{"gradient of log Z", conformance::check_log_normaliser_gradient},
    NamedCheck{"quadratic form", conformance::check_quadratic_form},
    NamedCheck{"log Z against quadratic form", conformance::check_quadratic_log_normaliser},
    NamedCheck{"Gaussian part", conformance::check_gaussian_part, has_gaussian_part},
    NamedCheck{"draws against quadrature", conformance::check_draws_by_quadrature},
    NamedCheck{"draws against quadratic form", conformance::check_quadratic_draws},
    NamedCheck{"held coordinates", conformance::check_held_coordinates},
    NamedCheck{"parameter memory", conformance::check_parameter_memory, learns},
    NamedCheck{"parameter gradient", conformance::check_parameter_gradient},
    NamedCheck{"parameter gradient in parts", conformance::check_parameter_gradient_in_parts, learns},
    NamedCheck{"parameter gradient in float32", conformance::check_parameter_gradient_in_float32, learns},
    NamedCheck{"parameter gradient in threads", conformance::check_parameter_gradient_in_threads, learns},
    NamedCheck{"rounds of maximum likelihood", conformance::check_likelihood_rounds, has_statistics},
    NamedCheck{"gradient of log Z by parameters", conformance::check_log_normaliser_by_parameters,
               has_log_normaliser_gradient},
    NamedCheck{"category energies", conformance::check_category_energies},
    NamedCheck{"CUDA agrees with CPU", conformance::check_cuda},
};

using Clock = std::chrono::steady_clock;

/// All checks together may take as long as this many that run out of patience.
constexpr int kPatienceForAll = 8;

conformance::Finding out_of_patience(const ConformanceOptions& options) {
  return conformance::failed(
      fmt::format("not run: the checks before it took {} s together", (kPatienceForAll * options.patience).count()),
      "See which of them hang, check a smaller shape, or allow more: --patience");
}

conformance::Finding accepted(const ModelKind& kind, const ConformanceOptions& options) {
  try {
    return conformance::passed(conformance::Subject(kind, options).describe());
  } catch (const ModelCreateError& error) {
    return conformance::failed(error.what(),
                               "Give what it needs: --shape input=28x28, --set name=value, --weights FILE");
  } catch (const Error& error) {
    return conformance::failed(error.what(),
                               "See create() and facts(). Where a setup is refused, answer POTLUCK_BAD_SHAPE, "
                               "POTLUCK_BAD_SETTING or POTLUCK_UNSUPPORTED");
  }
}

}  // namespace

const char* name_of(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::kPassed:
      return "passed";
    case CheckOutcome::kFailed:
      return "failed";
    default:
      return "not applicable";
  }
}

bool ConformanceReport::passed() const {
  return std::none_of(checks.begin(), checks.end(),
                      [](const ConformanceCheck& check) { return check.outcome == CheckOutcome::kFailed; });
}

ConformanceReport check_model(const ModelKind& kind, const ConformanceOptions& options,
                              const std::function<void(const ConformanceReport&)>& progressed) {
  conformance::setting_values(kind, options);  // what the caller got wrong is no fault of the model
  conformance::remember_host();
  ConformanceReport report{kind.name, "", {}};
  const auto add = [&](const char* name, const conformance::Finding& found) {
    report.checks.push_back({name, found.outcome, found.text, found.advice});
    if (progressed) progressed(report);
  };
  // The model is not even created here: each child does so anew, and a crash is the child's.
  const auto created = conformance::run_in_child([&] { return accepted(kind, options); }, options.patience);
  if (created.outcome != CheckOutcome::kPassed) {
    add("created", created);
    return report;
  }
  report.setup = created.text;
  if (progressed) progressed(report);
  const Clock::time_point end = Clock::now() + kPatienceForAll * options.patience;
  for (const NamedCheck& check : kChecks) {
    if (check.concerns != nullptr && !check.concerns(kind)) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    add(check.name, left.count() <= 0
                        ? out_of_patience(options)
                        : conformance::run_in_child([&] { return check.run(conformance::Subject(kind, options)); },
                                                    std::min<std::chrono::milliseconds>(options.patience, left)));
  }
  return report;
}

}  // namespace potluck
