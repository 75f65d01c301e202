// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/plan/parameter_store.h"
#include "compose/tree/tree.h"

namespace potluck {

/// An expert that a training learns, and the file that its weights go to.
struct LearnedExpert {
  size_t expert = 0;  ///< of the store
  std::string name;
  std::filesystem::path weights;
};

/// Freezes all experts but those that `learn.experts` names, or, where it names none, those that can be learned and
/// name a file for their weights.
/// @throws CompositionError where there is none, one that is named has no parameters or is not there, or one has no
/// file
///   for its weights
std::vector<LearnedExpert> choose_experts(const Composition& composition, ParameterStore& store);

/// Mean and standard deviation about it, as one number each.
struct DataSummary {
  double mean = 0, scale = 1;
};

/// Of the rows of the variable that the first drawn input of a leaf reads; nothing where it has no data.
std::optional<DataSummary> summary_of_data(const Composition& composition, const Leaf& leaf);

/// Fills the buffers `data_mean` and `data_scale` of learned experts whose weights were not read from a file, as the
/// door says (plugin.h, `parameters`): from the rows of the variable that their first drawn input reads.
void tell_of_data(const Composition& composition, const std::vector<LearnedExpert>& learned, ParameterStore& store);

/// Writes the parameters of an expert, buffers too, under the names that its model gives them, with the model's name
/// and settings as metadata, and `also`. Whole or not at all. @throws FileError
void write_weights(const ParameterStore& store, const LearnedExpert& expert, const std::filesystem::path& file,
                   const std::map<std::string, std::string>& also);

}  // namespace potluck
