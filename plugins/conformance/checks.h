// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/conformance/finding.h"
#include "plugins/conformance/subject.h"

/// The checks of the kit. Each creates the models it needs, may throw, crash or hang, and runs in a child process.
namespace potluck::conformance {

// call_checks.cpp: what every evaluate() owes the host.
Finding check_energies_are_numbers(const Subject& subject);
Finding check_inputs_are_untouched(const Subject& subject);
Finding check_memory_is_respected(const Subject& subject);
Finding check_calls_repeat(const Subject& subject);
Finding check_energy_alone_agrees(const Subject& subject);
Finding check_floating_point_mode(const Subject& subject);
Finding check_single_precision(const Subject& subject);

// row_checks.cpp: rows, companies, threads.
Finding check_rows_in_other_companies(const Subject& subject);
Finding check_batch_sizes(const Subject& subject);
Finding check_threads(const Subject& subject);

// gradient_checks.cpp
Finding check_gradient(const Subject& subject);
Finding check_weights_and_accumulation(const Subject& subject);

// optional_checks.cpp
Finding check_optional_inputs(const Subject& subject);

// process_checks.cpp
/// Notes what the host's process is like, before children are forked off it in which models run.
void remember_host();
Finding check_process_is_left_alone(const Subject& subject);

// setting_checks.cpp
Finding check_settings(const Subject& subject);

// law_checks.cpp: what is claimed of the density, against the energy.
Finding check_least_energy(const Subject& subject);
Finding check_log_normaliser(const Subject& subject);
Finding check_log_normaliser_gradient(const Subject& subject);
Finding check_draws_by_quadrature(const Subject& subject);

// held_checks.cpp: what stands still.
Finding check_held_coordinates(const Subject& subject);
Finding check_numbers_known_beforehand(const Subject& subject);

// quadratic_checks.cpp
Finding check_quadratic_form(const Subject& subject);
Finding check_quadratic_log_normaliser(const Subject& subject);
Finding check_quadratic_draws(const Subject& subject);

// gaussian_checks.cpp: the Gaussian part of an energy that is otherwise of linear growth.
Finding check_gaussian_part(const Subject& subject);

// parameter_checks.cpp
Finding check_parameter_memory(const Subject& subject);
Finding check_parameter_gradient(const Subject& subject);
Finding check_parameter_gradient_in_parts(const Subject& subject);
Finding check_parameter_gradient_in_float32(const Subject& subject);
Finding check_parameter_gradient_in_threads(const Subject& subject);

// likelihood_checks.cpp
Finding check_likelihood_rounds(const Subject& subject);
Finding check_log_normaliser_by_parameters(const Subject& subject);

// category_checks.cpp
Finding check_category_energies(const Subject& subject);

// device_checks.cpp
Finding check_cuda(const Subject& subject);

}  // namespace potluck::conformance
