// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "compose/experts/leaf_row.h"
#include "compose/experts/plan_options.h"
#include "compose/tree/tree.h"
#include "plugins/model.h"

namespace potluck {

/// Same model, settings, weights and inputs: evaluated once.
bool same_leaf(const Leaf& a, const Leaf& b);

/// Same model, settings and weights, whatever they read: one expert, to whoever wrote the file.
bool same_definition(const Leaf& a, const Leaf& b);

/// The created models of a composition: one for leaves that differ only in the variables they read, one more for each
/// worker where a model is not thread-safe.
class Experts {
 public:
  /// Creates the models of every leaf below `composition.target`.
  /// @throws CompositionError with everything that the models refuse, each at its place in the file.
  Experts(const Composition& composition, const PlanOptions& options);
  ~Experts();
  Experts(const Experts&) = delete;
  Experts& operator=(const Experts&) = delete;

  /// The model that evaluates `leaf` for a worker.
  const Model& model(const Leaf& leaf, int worker = 0) const;
  /// A model of the leaf on the CPU, for what is asked of it outside a run. Null where the model cannot be there.
  const Model* on_cpu(const Leaf& leaf) const;

  /// LeafRow::quadratic() of a part of a leaf, or null where its energy is not quadratic. The model is asked once: what
  /// it answers is kept, but for what is larger than all that may be kept. One thread at a time.
  std::shared_ptr<const Model::Quadratic> quadratic(const Leaf& leaf, int64_t part, const LeafRow& row,
                                                    const std::vector<uint8_t>& open) const;

  /// What quadratic() keeps is asked anew from here on: parameters of models have changed.
  void forget_quadratics() const;

  /// The models that were created for one leaf and those that share them: one, or one a worker; then the one on the CPU
  /// where the run is not there.
  struct Created {
    const Leaf* leaf = nullptr;
    std::vector<Model*> running;
    Model* reading = nullptr;
  };
  std::vector<Created> created();
  /// Which of created() `leaf` is evaluated by.
  size_t index_of(const Leaf& leaf) const;

 private:
  struct Instance;
  const Instance& find(const Leaf& leaf) const;
  void create(const Node& node, std::set<const Node*>& seen, std::vector<Diagnostic>& wrong);

  const Composition* composition_;
  PlanOptions options_;
  std::vector<std::unique_ptr<Instance>> instances_;
  using QuadraticKey = std::tuple<const Leaf*, int64_t, std::vector<uint8_t>>;  ///< leaf, part, open inputs
  mutable std::map<QuadraticKey, std::shared_ptr<const Model::Quadratic>> quadratics_;
  mutable size_t kept_numbers_ = 0;  ///< in quadratics_
};

}  // namespace potluck
