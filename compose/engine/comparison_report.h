// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "potluck/engine.h"

namespace potluck::engine {

/// What may be said of a comparison whose measures are known: the sentences of Comparison::sentence.
std::string sentence_of(const Comparison& comparison);

/// Comparison::json.
std::string json_of(const Comparison& comparison, const ComparisonOptions& options);

/// The tests of one question, whose p-values are adjusted together.
bool is_between_sides(const Comparison::Measure& measure);

}  // namespace potluck::engine
