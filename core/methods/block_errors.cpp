// SPDX-License-Identifier: Apache-2.0
#include "core/methods/block_errors.h"

#include <fmt/format.h>

#include <optional>

#include "core/methods/method.h"

namespace potluck {

namespace {

std::string path_of(size_t block) { return fmt::format("sample.blocks[{}]", block); }

/// Puts every variable into its block, and says what cannot be put into one.
class BlockMembership {
 public:
  BlockMembership(const std::vector<Variable>& variables, const std::vector<Held>& held)
      : variables_(variables), held_(held), block_(variables.size()) {}

  void put(const std::string& name, size_t block, std::vector<SettingError>& errors) {
    const auto refuse = [&](const std::string& expected, const std::string& got, const std::string& suggestion = "") {
      errors.emplace_back(path_of(block), fmt::format(" must name {}, got {}", expected, got), suggestion);
    };
    const auto index = find(name);
    if (!index) {
      std::vector<std::string> names;
      for (const Variable& one : variables_) names.push_back(one.name);
      const auto near = nearest_name(name, names);
      return refuse("variables", fmt::format("'{}'{}", name, near ? ". Did you mean '" + *near + "'?" : ""),
                    near.value_or(""));
    }
    if (given(*index))
      return refuse("variables that move", fmt::format("'{}', which is given whole. Leave it out", name));
    if (block_[*index]) {
      return refuse("variables of no other block",
                    fmt::format("'{}', which is in sample.blocks[{}]. Leave it in one", name, *block_[*index]));
    }
    block_[*index] = block;
  }

  /// One method draws labels, the others move numbers.
  void match(const BlockOptions& options, size_t block, std::vector<SettingError>& errors) const {
    for (const std::string& name : options.variables) {
      const auto index = find(name);
      const bool labels = method(options.method).labels;
      if (!index || block_[*index] != block || variables_[*index].categorical() == labels) continue;
      errors.emplace_back(path_of(block) + ".method",
                          labels ? fmt::format(" must be one that moves numbers for '{}', got gibbs, which draws "
                                               "labels alone. Use mala or hmc",
                                               name)
                                 : fmt::format(" must be gibbs for '{}', which is categorical, got '{}'. Give it a "
                                               "block of its own: {{variables: [{}], method: gibbs}}",
                                               name, options.method, name));
    }
  }

  void refuse_the_missing(std::vector<SettingError>& errors) const {
    for (size_t v = 0; v < variables_.size(); ++v) {
      if (block_[v] || given(v)) continue;
      const std::string& name = variables_[v].name;
      errors.emplace_back(
          "sample.blocks",
          fmt::format(" must name every variable that moves, got no block with '{}'. {}", name,
                      variables_[v].categorical() ? fmt::format("Add {{variables: [{}], method: gibbs}}", name)
                                                  : std::string("Add it to one")));
    }
  }

 private:
  std::optional<size_t> find(const std::string& name) const {
    for (size_t v = 0; v < variables_.size(); ++v)
      if (variables_[v].name == name) return v;
    return {};
  }
  bool given(size_t v) const { return v < held_.size() && held_[v].all(); }

  const std::vector<Variable>& variables_;
  const std::vector<Held>& held_;
  std::vector<std::optional<size_t>> block_;
};

}  // namespace

std::vector<SettingError> block_errors(const std::vector<BlockOptions>& blocks, const std::vector<Variable>& variables,
                                       const std::vector<Held>& held) {
  std::vector<SettingError> errors;
  if (blocks.empty()) return errors;
  BlockMembership assignment(variables, held);
  for (size_t b = 0; b < blocks.size(); ++b) {
    if (blocks[b].variables.empty()) errors.emplace_back(path_of(b), " must name at least one variable, got none");
    for (const std::string& name : blocks[b].variables) assignment.put(name, b, errors);
    assignment.match(blocks[b], b, errors);
    if (make_method(blocks[b].method, blocks[b].values)->coupling() != Coupling::kNone ||
        method(blocks[b].method).whole) {
      errors.emplace_back(path_of(b) + ".method",
                          fmt::format(" must be one that can move a part of the variables, got '{}'. Use mala or hmc",
                                      blocks[b].method));
    }
    if (make_method(blocks[b].method, blocks[b].values)->tuning().dense) {
      errors.emplace_back(
          path_of(b) + ".metric",
          " must be auto or identity, got dense: its matrix is of all variables together. Use auto, or one method "
          "without blocks");
    }
  }
  if (errors.empty()) assignment.refuse_the_missing(errors);
  return errors;
}

}  // namespace potluck
