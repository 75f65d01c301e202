// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <variant>

#include "compose/tree/tree.h"

namespace potluck {

/// Calls the one of `cases` that takes the node's kind. A case for each kind must be there, so that a new kind of node
/// is forgotten nowhere: without it this does not compile.
///
///   visit_kind(node, [](const Leaf& leaf) { ... }, [](const Product& product) { ... }, ...)
template <class... Cases>
decltype(auto) visit_kind(const Node& node, Cases&&... cases) {
  struct All : std::decay_t<Cases>... {
    using std::decay_t<Cases>::operator()...;
  };
  return std::visit(All{std::forward<Cases>(cases)...}, node.kind);
}

}  // namespace potluck
