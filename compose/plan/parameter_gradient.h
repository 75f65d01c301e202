// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compose/experts/plan_options.h"
#include "compose/plan/parameter_store.h"
#include "core/learning/learnable.h"

namespace potluck {

class PieceGradient;

/// What gradients of a plan with respect to parameters are made of. Everything outlives who uses it.
struct GradientSources {
  const Composition& composition;
  const PlanOptions& options;
  const EvaluationOrder& order;
  const Experts& experts;
  const ParameterStore& store;
  const Arithmetic& arithmetic;
};

/// Gradients of a composite C with respect to the parameters of its experts:
///
///   sum[p] += sum_b cotangent_b dC_b/dp + sum_b d/dp (t_b . dC_b/dx)
///
/// C is a function of the energies E_i of its leaves. With r_i = dC/dE_i, d_i = t . dE_i/dx and
/// s_i = sum_j d2C/(dE_i dE_j) d_j, the slope of r_i along t, leaf i adds
///
///   sum_b (cotangent r_i + s_i) dE_i/dp + sum_b d/dp (r_i t . dE_i/dx)
///
/// (docs/theory.md, 1.1), where r and s are computed in double and taken as constants.
///
/// Rows are cut into pieces of piece() rows, and the sums of the pieces are added in double in their order: the bits
/// are the same for any number of threads, and for any split into calls at multiples of piece() rows. On the CPU a row
/// of a leaf whose weights are all 0 is left out: it adds nothing, whatever its energy is.
class ParameterGradient {
 public:
  /// Everything must outlive the object. @param preferred_rows  of a call, as Energy says it
  ParameterGradient(const GradientSources& sources, int64_t preferred_rows);
  ~ParameterGradient();
  ParameterGradient(const ParameterGradient&) = delete;
  ParameterGradient& operator=(const ParameterGradient&) = delete;

  int64_t piece() const { return piece_; }

  /// One call at a time.
  /// @throws CompositionError where log Z that is part of the composite depends on what is learned
  /// @throws PluginError where a model fails, or cannot differentiate by its parameters
  void add(const ParameterGradientCall& call);

 private:
  /// What is wrong where an expert is learned.
  struct Refusal {
    size_t expert;
    Diagnostic why;
  };

  void find_refusals();
  void check_normalisers() const;
  void add_sums(const ParameterGradientCall& call, const PieceGradient& piece) const;

  const GradientSources sources_;
  int64_t piece_;
  std::vector<Refusal> refusals_;
  std::vector<std::unique_ptr<PieceGradient>> pieces_;  ///< for those that are evaluated at once; made when needed
};

}  // namespace potluck
