// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/precision.h"
#include "core/variables/variable.h"

namespace potluck {

/// One evaluation of a batch of states. The caller owns every array; all of them live on the energy's device.
struct EnergyCall {
  int64_t rows = 0;
  /// [variables]: dense [rows, n] in the energy's precision, int64_t for a categorical variable. Never written.
  const void* const* position = nullptr;
  double* energy = nullptr;  ///< [rows]
  /// [variables]: dense [rows, n], overwritten with dE/dx; an entry is null where no gradient is wanted. May be null.
  void* const* gradient = nullptr;
  double* expert_energy = nullptr;  ///< [experts, rows] or null: the energy of each expert, before weights
  void* workspace = nullptr;        ///< workspace_bytes(rows), aligned to 64 bytes
  void* stream = nullptr;           ///< CUDA stream, null on the CPU
  int worker = 0;                   ///< which of the `workers` this call comes from; no two at once from one worker
};

/// One evaluation of the energies that the labels of one element would give, all else as it stands.
struct CategoryCall {
  /// Rows, positions, workspace, stream and worker; energy, gradient and expert_energy are null.
  EnergyCall state;
  int variable = 0;          ///< a categorical one, with K categories
  int64_t element = 0;       ///< of it
  double* energy = nullptr;  ///< [K, rows]: of each label of the element
};

/// A scalar function of the state, E(x), evaluated for a batch of chains at a time.
///
/// +infinity is density zero, and the row's gradient is then meaningless. NaN and -infinity mean that the row failed.
/// Given the number of rows, a row's energy and gradient do not depend on the other rows when rows_alone() is true.
class Energy {
 public:
  virtual ~Energy() = default;

  virtual const std::vector<Variable>& variables() const = 0;
  virtual Precision precision() const = 0;
  virtual Device device() const = 0;
  virtual int64_t most_rows() const = 0;                        ///< no call may have more rows
  virtual size_t workspace_bytes(int64_t rows) const = 0;       ///< scratch that every call needs
  virtual const std::vector<std::string>& experts() const = 0;  ///< distinct leaves, in the order of expert_energy

  virtual bool rows_alone() const = 0;  ///< needed where chains must not depend on their company
  /// A row's bits depend on that row alone: not on the number of rows, nor on its place among them.
  virtual bool batch_invariant() const = 0;
  virtual int64_t preferred_rows() const = 0;  ///< of a call on the CPU; 0: no wish
  virtual bool hard_walls() const = 0;         ///< may be +infinity inside the support: unadjusted methods refuse it
  virtual bool capturable() const = 0;         ///< evaluate() may be captured in a CUDA graph

  /// @throws PluginError naming plugin, version, model and call, where a model answers with a failure.
  virtual void evaluate(const EnergyCall& call) const = 0;

  /// category_energies() has the energies of all labels of a categorical variable at once, for less than an evaluation
  /// of each.
  virtual bool offers_category_energies(int /*variable*/) const { return false; }
  /// The energies that evaluate() has with each label of an element, but for rounding. Only where it is offered.
  /// @throws PluginError as evaluate()
  virtual void category_energies(const CategoryCall& call) const;
};

}  // namespace potluck
