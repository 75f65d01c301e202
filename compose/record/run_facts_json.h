// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/record/run_facts.h"

namespace potluck {

/// run.json of these facts, with its keys in the order of reading.
RunRecord to_json(const RunFacts& facts);

/// The facts of a record that parse_record() took. Keys that it does not know are RunFacts::others; what is missing, or
/// is of another kind where no command relies on it, is not known.
/// @throws FileError where numbers of its mixtures or of its log_z do not belong together
RunFacts facts_of(const RunRecord& record);

/// What was asked for, with the start, as run.json has it.
RunRecord asked_json(const RunFacts& facts);

}  // namespace potluck
