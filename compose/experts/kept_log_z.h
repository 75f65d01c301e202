// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/tree/tree.h"

namespace potluck {

/// An estimate of log Z of an expert that its weights keep, in the metadata of the file:
///
///   potluck.log_z  a JSON list of objects: given (the inputs that the expert is conditional on, with their numbers),
///                  value, standard_error, along (where the noise began, by the name of its input), particles, repeats,
///                  moves, seed, version, and sha256 of what log Z depends on beside `given`
///
/// The integral is over all that the model draws, without supports, at T = 1.
struct KeptLogZ {
  std::map<std::string, std::vector<double>> given;  ///< names of parents -> their numbers; no optional one that is
                                                     ///< left out
  double value = 0;
  double standard_error = 0;
  std::map<std::string, double> along;  ///< empty: annealed in another way
  int64_t particles = 0, repeats = 0, moves = 0;
  uint32_t seed = 0;
  std::string sha256;  ///< sha256_for_log_z of the leaf that it is of

  std::string given_text() const;  ///< "noise = 0.1, label = 3"; "nothing given" where there is no parent
};

/// SHA-256 of what log Z of a leaf depends on beside the numbers of its parents: model, settings, arrays of the
/// weights, shapes of the inputs. Nothing for a leaf without weights, or with settings that name files.
std::optional<std::string> sha256_for_log_z(const Leaf& leaf);

/// The numbers of the parents of a leaf, where each is a literal or given. Nothing where one is not: `which` becomes
/// the name of its input.
std::optional<std::map<std::string, std::vector<double>>> given_parents(const Composition& composition,
                                                                        const Leaf& leaf, std::string* which = nullptr);

/// What weights keep of log Z of a node that is a leaf, at its parents. Nothing where they keep none that holds;
/// `advice` then becomes what there is and how to make one, and stays where weights cannot keep it.
std::optional<KeptLogZ> find_kept_log_z(const Composition& composition, const Node& node,
                                        std::string* advice = nullptr);

/// The text of `potluck.log_z` with another estimate, which takes the place of one at the same parents. Those of other
/// arrays are dropped. @throws FileError where the weights have metadata of that name that are no such list
std::string log_z_metadata(const Leaf& leaf, const KeptLogZ& estimate);

/// The key of the metadata.
inline constexpr const char* kLogZMetadata = "potluck.log_z";

}  // namespace potluck
