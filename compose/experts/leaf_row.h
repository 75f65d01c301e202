// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "compose/tree/tree.h"

namespace potluck {

/// Scratch that models may ask for, aligned to 64 bytes.
class Workspace {
 public:
  explicit Workspace(size_t bytes) : blocks_(bytes / sizeof(Block) + 1) {}
  void* data() { return blocks_.data(); }

 private:
  struct alignas(64) Block {
    std::byte bytes[64];
  };
  std::vector<Block> blocks_;
};

/// The inputs of a leaf for one row on the CPU, to ask its model what it knows. Literals and held coordinates have
/// their values; a coordinate that is free stands at the number of its support that is nearest to 0.
class LeafRow {
 public:
  LeafRow(const Composition& composition, const Model& model, const Leaf& leaf, int64_t part = 0);

  /// Some parent is read from the state: what the model says of its parents is a function of the state.
  bool parents_in_state() const;
  /// Input `i` reads a continuous variable.
  bool continuous_variable(size_t i) const;
  /// Every number of input `i` is a literal or held.
  bool fixed(size_t i) const { return fixed_[i] != 0; }
  /// Its numbers; null where it is left out.
  const void* value(size_t i) const { return values_[i].empty() ? nullptr : values_[i].data(); }

  /// log Z at these parents; false where the model does not know it.
  bool log_normaliser(double& log_z) const;

  /// The Gaussian part over all drawn continuous inputs, the parents at their values; nothing where the model does not
  /// know it, where a number that a parent reads moves, or where its curvature depends on a label that moves. Its mean
  /// is that of label 0.
  std::optional<Model::GaussianPart> gaussian_part() const;

  /// The quadratic form over the inputs with `open[i]`, the others at their values.
  std::optional<Model::Quadratic> quadratic(const std::vector<uint8_t>& open) const;

 private:
  const Model* model_;
  const Leaf* leaf_;
  std::vector<std::vector<std::byte>> values_;
  std::vector<uint8_t> fixed_;
  std::vector<int> categories_;  ///< of inputs that read labels of a variable, else 0
};

}  // namespace potluck
