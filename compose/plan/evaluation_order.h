// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/experts/experts.h"
#include "compose/known/normaliser.h"
#include "compose/plan/arithmetic.h"
#include "compose/plan/program.h"
#include "compose/tree/coordinates.h"
#include "core/diagnostics/responsibilities.h"

namespace potluck {

/// Where one input of an evaluation comes from.
struct PlannedInput {
  int variable = -1;  ///< -1: a literal
  int64_t size = 0;   ///< numbers in a row
  bool categorical = false;
  bool whole = false;  ///< the variable itself, as it stands
  /// False: the model is given null. So are inputs that are left out, and drawn inputs of a normaliser.
  bool asked = true;
  ReadElements elements;                ///< where it is a part of a variable
  std::shared_ptr<const void> literal;  ///< [rows of a call at least, size]

  bool has_gradient() const { return variable >= 0 && !categorical && asked; }
};

/// One call of a model in each evaluation of the plan.
struct PlannedEvaluation {
  const Leaf* leaf = nullptr;
  bool normaliser = false;  ///< log Z of its parents, not its energy
  std::string name;
  int slot = 0;    ///< of the program
  int expert = 0;  ///< row of expert_energy, -1 for a normaliser
  int used = 1;    ///< places in the tree
  int64_t parts = 1;
  int64_t rows_of_a_call = 0;  ///< of the model, at most: its literals have no more
  std::vector<PlannedInput> inputs;

  bool constant_rate = false;  ///< its rate is `rate` in every state
  double rate = 1;
  /// Writes straight into the gradients of its variables, first or accumulating, with `row_weight`.
  bool direct = false;
  std::shared_ptr<const double> row_weight;  ///< [most rows], null for 1
  /// Where its gathered inputs and its gradients begin, in bytes a chain; the gradients of linear evaluations share
  /// one place, since each is added before the next is computed.
  int64_t gathered = 0, gradients = 0;
};

/// A mixture of several branches: those of a weight above 0.
struct PlannedMixture {
  const Node* node = nullptr;
  int slot = 0;
  std::vector<WatchedBranch> branches;
};

/// A node whose log Z, as it was when the plan was made, is part of the composite.
struct NeededNormaliser {
  const Node* node = nullptr;
  Place place;
  std::string what;     ///< "branch 1 of mixture 'shapes'"
  std::string instead;  ///< what a file may say to do without
};

/// What a composition evaluates, in which order, and where everything stands in the workspace.
struct EvaluationOrder {
  std::vector<PlannedEvaluation> evaluations;  ///< those that write first and cannot accumulate come first
  Program program;
  std::vector<PlannedMixture> mixtures;  ///< of the tree, those below first
  std::vector<NeededNormaliser> normalisers;
  std::vector<std::string> experts;
  /// Bytes a chain before the models' own scratch. Every place in it is a multiple of 8 bytes a chain, so that with
  /// chains rounded up to a multiple of 8 each begins at a multiple of 64.
  int64_t bytes_a_chain = 0;
};

/// @throws CompositionError for a normaliser that is needed and not known, or a leaf whose rows do not fit its place.
EvaluationOrder make_evaluation_order(const Composition& composition, const Coordinates& coordinates,
                                      const Experts& experts, const Normaliser& normaliser,
                                      const Arithmetic& arithmetic, const PlanOptions& options);

}  // namespace potluck
