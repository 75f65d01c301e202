// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/conformance/subject.h"

namespace potluck::conformance {

/// Number `at` of a parameter on the CPU, or of an array like it.
double number_of(const ModelParameter& array, int64_t at);
void set_number(const ModelParameter& array, int64_t at, double value);

/// What is asked of parameter_gradient.
struct Sought {
  bool cotangent = false, tangent = false;
  const char* words() const { return tangent ? (cotangent ? "cotangent and tangent" : "tangent") : "cotangent"; }
};

/// Rows to learn from, and what their gradients are weighed with.
struct Lesson {
  Batch batch, direction;         ///< points, and tangents at them
  std::vector<double> cotangent;  ///< [rows]
};

/// Of `lesson` the rows from `first` on.
Lesson part_of(const Model& model, const Lesson& lesson, int64_t first, int64_t rows);

/// The sums that a call of parameter_gradient leaves: [parameter][number]; empty for buffers.
using Sums = std::vector<std::vector<double>>;

/// A model with parameters, on the CPU.
class Learner {
 public:
  Learner(const Subject& subject, Precision precision)
      : subject_(subject), model_(subject.create(precision)), parameters_(model_.parameters()) {}

  const Model& model() const { return model_; }
  const std::vector<ModelParameter>& parameters() const { return parameters_; }
  bool learns() const;

  /// At most `rows` points with finite energies, perhaps none, twice as wide as those of other checks.
  Lesson lesson(int64_t rows, uint32_t salt) const;

  /// What parameter_gradient adds to sums that hold `start`; nothing where the model cannot. From any thread where
  /// evaluate may be called so.
  /// @throws FailedCheck where the call touches what it must leave alone
  std::optional<Sums> gradient(const Lesson& lesson, Sought sought, double start = 0) const;

  /// What log_normaliser_gradient adds at the parents of a lesson; nothing where the model cannot.
  std::optional<Sums> log_normaliser_gradient(const Lesson& lesson) const;

  /// Model::fit, with which the parameters have changed.
  void fit(int64_t round, const std::vector<double>& sums) {
    model_.fit(round, sums.data());
    model_.parameters_changed();
  }

  void move(size_t p, int64_t at, double value);
  /// Gives the parameters the values of another learner's, whose names and shapes are the same.
  void copy(const Learner& other);
  bool same_parameters(const Learner& other) const;

 private:
  /// Room for a gradient of every parameter, which begins at `start`: what is added is told from what is written.
  std::vector<void*> begin_sums(std::vector<GuardedBytes>& sums, double start) const;
  /// What a call has added since; none where it was not done. @throws FailedCheck where it has then added all the same
  std::optional<Sums> added_to(std::vector<GuardedBytes>& sums, double start, bool done, const char* call) const;

  const Subject& subject_;
  Model model_;
  std::vector<ModelParameter> parameters_;
};

}  // namespace potluck::conformance
