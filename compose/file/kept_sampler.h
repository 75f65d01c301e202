// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compose/file/scope.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"

namespace potluck {

// The sampler that suits an expert, in the metadata of its weights:
//
//   potluck.sample  a JSON object with keys of `sample`: method, the method's options, warmup and anneal. Under
//   `anneal`
//                   a given number that moves is called as the input of the model that reads it: compositions call
//                   their variables as they like.

/// How the composition moves its chains, for the weights of an expert that it trains. Nothing where it does not say it,
/// where it sweeps over blocks, which are of its own variables, or where the leaf does not read a number that moves.
std::optional<std::string> sampler_to_keep(const Composition& composition, const Leaf& leaf);

/// Where `sample` does not say how chains move, by a method, an anneal or blocks, adds the keys that it leaves out and
/// that the weights of the target's experts keep. A diagnostic where they keep different ones.
/// @param root  of the composition, with room for another key: what points to the others stays valid
/// @return warnings, of samplers that are kept and do not fit the composition
std::vector<std::string> take_kept_sampler(const Node& target, const Scope& scope, const std::vector<Held>& held,
                                           Yaml& root, Diagnostics& diagnostics);

/// "sample: from the weights FILE", with its whole path, where a composition took its sampler from weights; else empty.
std::string sampler_text(const Composition& composition);

}  // namespace potluck
