// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace potluck {

/// A subcommand: takes the words behind its name, prints to stdout and returns an exit code.
using Words = std::vector<std::string>;

int sample_command(const Words& words);
int train_command(const Words& words);
int merge_command(const Words& words);
int check_command(const Words& words);
int explain_command(const Words& words);
int evidence_command(const Words& words);
int evaluate_command(const Words& words);
int compare_command(const Words& words);
int schema_command(const Words& words);
int export_command(const Words& words);
int plugins_command(const Words& words);
int models_command(const Words& words);
int methods_command(const Words& words);
int doctor_command(const Words& words);

}  // namespace potluck
