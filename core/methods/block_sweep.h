// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

/// One block of a sweep: a method moves some of the variables while the others stay. Then energy and gradient are
/// evaluated anew for what moves next, which knows nothing yet of this move. The variables are continuous, or
/// categorical and moved by a method of labels.
class BlockMove final : public Method {
 public:
  BlockMove(const std::string& name, std::shared_ptr<Method> method) : name_(name), method_(std::move(method)) {}

  const std::string& name() const { return name_; }
  const std::shared_ptr<Method>& method() const { return method_; }
  void set_method(std::shared_ptr<Method> method) { method_ = std::move(method); }
  const std::vector<int>& variables() const { return variables_; }
  /// @param variables sorted indices. @param next those whose gradients are wanted after it; empty: all.
  void set_variables(std::vector<int> variables, std::vector<int> next);

  /// The group's chains with the block's variables alone.
  Group restricted(const Group& group) const { return group.of_variables(variables_, method_->needs()); }
  /// The group with the gradients that are wanted after the block's move.
  Group following(const Group& group) const;
  void move(Group& block, Group& following, const Kernels& kernels, uint32_t step) const;

  const MethodDescription& description() const override { return method_->description(); }
  Needs needs() const override { return method_->needs(); }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override { return method_->evaluations(steps) + steps.count; }
  bool replayable() const override { return method_->replayable(); }
  Tuning tuning() const override { return method_->tuning(); }
  void hold_labels(bool hold) override { method_->hold_labels(hold); }
  void freeze() override { method_->freeze(); }
  double step_size() const override { return method_->step_size(); }
  void set_step_size(double step_size) override { method_->set_step_size(step_size); }
  double level_step_size() const override { return method_->level_step_size(); }
  void set_level(std::optional<double> eta, double square) override { method_->set_level(eta, square); }
  double trajectory_length() const override { return method_->trajectory_length(); }
  void set_trajectory_length(double length) override { method_->set_trajectory_length(length); }

 private:
  std::string name_;  ///< "z, image"
  std::shared_ptr<Method> method_;
  std::vector<int> variables_, next_;
};

/// A sweep over blocks of variables: in every step each block is moved by a method of its own, given the others.
///
///   x_1 ~ K_1(. | x_2, ..., x_B),  ...,  x_B ~ K_B(. | x_1, ..., x_(B-1))
///
/// Metropolis within Gibbs (Tierney 1994, section 2.4): exact where each K_b keeps the conditional law of its block,
/// though the sweep is not reversible. Noise has the names of the variables and decisions that of the block's first
/// one, so that blocks are independent. A block costs an evaluation beside those of its method.
class BlockSweep final : public Method {
 public:
  /// @throws SettingError for an unknown method or values that do not fit together.
  explicit BlockSweep(const std::vector<BlockOptions>& blocks);

  const MethodDescription& description() const override { return description_; }
  Needs needs() const override;
  int decisions() const override;
  int energy_errors() const override;
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override;
  bool replayable() const override;
  /// Of the first block that is tuned; every part has its own.
  Tuning tuning() const override;
  std::vector<MethodPart> parts() override;
  std::unique_ptr<Method> tuned_in_place() const override;
  void take_tuned(const Method& adjusted) override;
  void hold_labels(bool hold) override;
  void freeze() override;
  double step_size() const override;  ///< the least of the blocks that have one; 0: none has
  /// The least of the blocks; 0 where one that has a step size cannot take it from a level.
  double level_step_size() const override;
  void set_level(std::optional<double> eta, double square) override;
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  explicit BlockSweep(MethodDescription description) : description_(std::move(description)) {}

  MethodDescription description_;
  std::vector<BlockOptions> options_;
  std::vector<BlockMove> blocks_;
};

}  // namespace potluck
