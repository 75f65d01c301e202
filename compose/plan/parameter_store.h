// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "compose/plan/arithmetic.h"
#include "compose/plan/evaluation_order.h"

namespace potluck {

/// An expert that has parameters.
struct ParameterExpert {
  std::string name;   ///< of the node that first names it
  std::string model;  ///< with plugin id and version
  size_t first = 0;   ///< its arrays are `count` ones from here
  size_t count = 0;
  bool trainable = false;  ///< has an array that is no buffer
  bool frozen = false;     ///< is not to be learned
};

/// One array of an expert.
struct StoredParameter {
  std::string name;  ///< of the expert, a dot, and the model's own: "garment.layers.0.weight". Unique
  size_t expert = 0;
  /// On the plan's device. Write there, or with write(), and call changed().
  ModelParameter array;
};

/// The parameters of a plan, each once.
///
/// Leaves of the same model, settings and weights are one expert to whoever wrote them: where the arrays of their
/// models have the same names, types and shapes too, they have one set of values, whatever the leaves read and however
/// many workers have models of their own. The values live in one model, the master; changed() copies them to the
/// others.
///
/// One thread at a time, and no evaluation meanwhile. Asking for parameters may make models do extra work from then on:
/// a plan makes its store when it is first asked for it.
class ParameterStore {
 public:
  /// Everything must outlive the store. The values of all models become those of the masters.
  /// @throws ModelFault for parameters that cannot be, or differ between the models of one leaf
  ParameterStore(Experts& experts, const EvaluationOrder& order, const Arithmetic& arithmetic);

  const std::vector<ParameterExpert>& experts() const { return experts_; }
  const std::vector<StoredParameter>& arrays() const { return arrays_; }

  /// Whether an expert is left as it is. At first none is.
  void set_frozen(size_t expert, bool frozen) { experts_[expert].frozen = frozen; }
  /// Trainable, and its expert is not frozen.
  bool is_learned(size_t array) const;
  bool is_learned_expert(size_t expert) const { return experts_[expert].trainable && !experts_[expert].frozen; }

  /// The leaf that defines an expert: its model, settings and weights.
  const Leaf& leaf(size_t expert) const { return *definition_[expert]; }
  /// The model that holds the values of an expert: who moves them there calls changed().
  Model& master(size_t expert) { return *copies_[expert][0].model; }
  /// The expert that evaluates `leaf`, or -1 where that has no parameters.
  int expert_of(const Leaf& leaf) const;

  /// All numbers of an array, row-major in its type.
  std::vector<std::byte> read(size_t array) const;
  /// @throws SettingError where the array has another number of bytes
  void write(size_t array, std::span<const std::byte> bytes);
  /// The same as doubles, rounded to the type of the array; integers beyond 2^53 are not exact.
  std::vector<double> numbers(size_t array) const;
  void set_numbers(size_t array, std::span<const double> numbers);

  /// Copies the values of the masters to all models, and tells each model. @param stream  that the models enqueue on
  void changed(void* stream = nullptr);

 private:
  /// A model and its own arrays, in the order of the expert's.
  struct Copy {
    Model* model = nullptr;
    std::vector<ModelParameter> arrays;
  };

  void add(const Leaf& leaf, std::vector<Copy> copies, const EvaluationOrder& order, const Experts& experts);
  std::string unique_name(std::string name) const;
  void spread(size_t expert, void* stream) const;

  const Experts& instances_;
  const Arithmetic& arithmetic_;
  std::vector<ParameterExpert> experts_;
  std::vector<StoredParameter> arrays_;
  std::vector<const Leaf*> definition_;    ///< [experts]
  std::vector<std::vector<Copy>> copies_;  ///< [experts]; the first is the master
  std::vector<int> expert_of_instance_;    ///< [Experts::created()]
};

}  // namespace potluck
