// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compose/experts/plan_options.h"
#include "compose/known/known_composition.h"
#include "compose/tree/tree.h"
#include "core/diagnostics/responsibilities.h"
#include "core/energy/energy.h"

namespace potluck {

class ParameterStore;          // compose/plan/parameter_store.h
struct ParameterGradientCall;  // compose/plan/parameter_gradient.h

/// What is evaluated in each step, for `explain`.
struct PlannedLeaf {
  std::string name;   ///< of the node that first names it
  std::string model;  ///< with plugin id and version
  int64_t rows_a_chain = 1;
  int used = 1;        ///< how many places in the tree share this evaluation
  std::string weight;  ///< "1", "0.5", "depends on the state"
};

/// A composition made ready to evaluate: each distinct leaf (same model, settings, weights and inputs) once.
class Plan : public Energy {
 public:
  virtual const std::vector<PlannedLeaf>& leaves() const = 0;
  /// How many times each distinct leaf has been evaluated since creation.
  virtual std::vector<int64_t> evaluations() const = 0;
  /// Its mixtures, as far as the energies of the experts tell their responsibilities.
  virtual const Mixtures& mixtures() const = 0;
  virtual const std::vector<std::string>& explanation() const = 0;  ///< normalisation, integrability, T: a line each
  /// What it is made of, for a start that needs the same models.
  virtual std::shared_ptr<const KnownComposition> known() const = 0;
  /// log Z of the whole, as far as it is known.
  virtual LogNormaliser log_normaliser() const = 0;
  /// What a person should know before a run: numbers that float32 is too coarse for, normalisers that a product leaves
  /// out. A sentence each.
  virtual std::vector<std::string> warnings() const = 0;

  // Learning. One thread at a time, and no evaluation meanwhile. What the plan says beforehand (explanation, warnings,
  // normalisers, exact starts) is of the parameters that it was made with: make a plan anew to sample with others.

  /// The parameters of the experts. Made at the first call.
  virtual ParameterStore& parameters() = 0;
  /// Adds the gradient of the composite with respect to them; see ParameterGradient.
  virtual void parameter_gradient(const ParameterGradientCall& call) = 0;
  /// Rows of a piece: calls that are split at its multiples add up to the same bits.
  virtual int64_t parameter_piece() = 0;
};

/// @throws CompositionError for everything that only created models can tell: shapes and settings they refuse, an
///   unknown normaliser where one is needed, a composite that is not integrable, a device that a model cannot use.
std::unique_ptr<Plan> make_plan(const Composition& composition, const PlanOptions& options);

}  // namespace potluck
