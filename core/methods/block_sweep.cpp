// SPDX-License-Identifier: Apache-2.0
#include "core/methods/block_sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "core/methods/block_errors.h"
#include "core/methods/method_options.h"

namespace potluck {

namespace {

/// An error about `sample.method` as one about a block's.
template <class Call>
auto in_block(size_t block, const Call& call) {
  try {
    return call();
  } catch (const SettingError& error) {
    if (error.path() != "sample.method") throw;
    const std::string text = error.what();
    throw SettingError(fmt::format("sample.blocks[{}].method", block), text.substr(error.path().size()));
  }
}

std::vector<int> indices_of(const BlockOptions& block, const std::vector<Variable>& variables) {
  std::vector<int> indices;
  for (size_t v = 0; v < variables.size(); ++v) {
    if (std::find(block.variables.begin(), block.variables.end(), variables[v].name) != block.variables.end())
      indices.push_back(static_cast<int>(v));
  }
  return indices;
}

}  // namespace

void BlockMove::set_variables(std::vector<int> variables, std::vector<int> next) {
  variables_ = std::move(variables);
  next_ = std::move(next);
}

Group BlockMove::following(const Group& group) const { return next_.empty() ? group : group.of_variables(next_, {}); }

void BlockMove::move(Group& block, Group& following, const Kernels& kernels, uint32_t step) const {
  method_->advance(block, kernels, {step, 1});
  following.evaluate();
  kernels.freeze_failed(following, step);
}

void BlockMove::begin(Group& group, const Kernels& kernels, uint32_t step) const {
  Group block = restricted(group);
  method_->begin(block, kernels, step);
}

void BlockMove::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  Group block = restricted(group), next = following(group);
  for (int64_t i = 0; i < steps.count; ++i) move(block, next, kernels, steps.first + static_cast<uint32_t>(i));
}

BlockSweep::BlockSweep(const std::vector<BlockOptions>& blocks) : options_(blocks) {
  description_.exact = true;
  std::vector<std::string> methods;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const BlockOptions& block = blocks[b];
    std::shared_ptr<Method> own = in_block(b, [&] { return make_method(block.method, block.values); });
    description_.exact = description_.exact && own->description().exact;
    if (std::find(methods.begin(), methods.end(), block.method) == methods.end()) methods.push_back(block.method);
    blocks_.emplace_back(fmt::format("{}", fmt::join(block.variables, ", ")), std::move(own));
  }
  description_.name = fmt::format("sweep of {}", fmt::join(methods, " + "));
  description_.summary = "a sweep over blocks of variables, each moved by a method of its own";
  description_.reference = "Tierney 1994, Markov chains for exploring posterior distributions, Ann. Statist. 22";
}

Needs BlockSweep::needs() const {
  Needs all;
  for (const BlockMove& block : blocks_) {
    const Needs one = block.needs();
    all.proposal |= one.proposal;
    all.velocity |= one.velocity;
    all.proposal_velocity |= one.proposal_velocity;
  }
  return all;
}

int BlockSweep::decisions() const {
  int count = 0;
  for (const BlockMove& block : blocks_) count += block.method()->decisions();
  return count;
}

int BlockSweep::energy_errors() const {
  int count = 0;
  for (const BlockMove& block : blocks_) count += block.method()->energy_errors();
  return count;
}

void BlockSweep::check(const Target& target) const {
  const std::vector<Variable>& variables = target.energy->variables();
  const std::vector<SettingError> errors = block_errors(options_, variables, target.held);
  if (!errors.empty()) throw SettingError(errors.front());
  for (size_t b = 0; b < blocks_.size(); ++b) {
    in_block(b, [&] { blocks_[b].method()->check(target_of(target, indices_of(options_[b], variables))); });
  }
}

void BlockSweep::prepare(const Target& target) {
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t b = 0; b < blocks_.size(); ++b) {
    // After the last block everything belongs together, as advance() promises.
    const bool last = b + 1 == blocks_.size();
    blocks_[b].set_variables(indices_of(options_[b], variables),
                             last ? std::vector<int>() : indices_of(options_[b + 1], variables));
    blocks_[b].method()->prepare(target_of(target, blocks_[b].variables()));
  }
}

void BlockSweep::begin(Group& group, const Kernels& kernels, uint32_t step) const {
  for (const BlockMove& block : blocks_) block.begin(group, kernels, step);
}

void BlockSweep::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  std::vector<Group> moving, following;
  for (const BlockMove& block : blocks_) {
    moving.push_back(block.restricted(group));
    following.push_back(block.following(group));
  }
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    for (size_t b = 0; b < blocks_.size(); ++b) blocks_[b].move(moving[b], following[b], kernels, step);
  }
}

int64_t BlockSweep::evaluations(StepRange steps) const {
  int64_t count = 0;
  for (const BlockMove& block : blocks_) count += block.evaluations(steps);
  return count;
}

bool BlockSweep::replayable() const {
  return std::all_of(blocks_.begin(), blocks_.end(), [](const BlockMove& block) { return block.replayable(); });
}

Tuning BlockSweep::tuning() const {
  for (const BlockMove& block : blocks_)
    if (const Tuning one = block.tuning(); one.any()) return one;
  return {};
}

std::vector<MethodPart> BlockSweep::parts() {
  std::vector<MethodPart> parts;
  for (BlockMove& block : blocks_) parts.push_back({&block, block.variables()});
  return parts;
}

/// Blocks whose method is tuned itself are shared with this sweep.
std::unique_ptr<Method> BlockSweep::tuned_in_place() const {
  std::unique_ptr<BlockSweep> adjusted(new BlockSweep(description_));
  adjusted->options_ = options_;
  bool replaced = false;
  for (const BlockMove& block : blocks_) {
    std::shared_ptr<Method> method = block.tuning().any() ? block.method()->tuned_in_place() : nullptr;
    replaced = replaced || method;
    BlockMove& one = adjusted->blocks_.emplace_back(block);
    if (method) one.set_method(std::move(method));
  }
  if (!replaced) return nullptr;
  return adjusted;
}

void BlockSweep::take_tuned(const Method& adjusted) {
  const auto& sweep = dynamic_cast<const BlockSweep&>(adjusted);
  for (size_t b = 0; b < blocks_.size(); ++b) {
    const std::shared_ptr<Method>& tuned = sweep.blocks_[b].method();
    if (tuned != blocks_[b].method()) blocks_[b].method()->take_tuned(*tuned);
  }
}

void BlockSweep::hold_labels(bool hold) {
  for (BlockMove& block : blocks_) block.hold_labels(hold);
}

void BlockSweep::freeze() {
  for (BlockMove& block : blocks_) block.freeze();
}

double BlockSweep::step_size() const {
  double least = 0;
  for (const BlockMove& block : blocks_)
    if (const double own = block.step_size(); own > 0 && (least == 0 || own < least)) least = own;
  return least;
}

double BlockSweep::level_step_size() const {
  double least = 0;
  for (const BlockMove& block : blocks_) {
    if (block.method()->description().labels) continue;
    const double own = block.level_step_size();
    if (own == 0) return 0;
    if (least == 0 || own < least) least = own;
  }
  return least;
}

void BlockSweep::set_level(std::optional<double> eta, double square) {
  for (BlockMove& block : blocks_)
    if (block.level_step_size() > 0) block.set_level(eta, square);
}

std::vector<std::string> BlockSweep::notes(const MethodCounts& counts) const {
  std::vector<std::string> all;
  for (const BlockMove& block : blocks_)
    for (const std::string& note : block.method()->notes(counts))
      all.push_back(fmt::format("block {}: {}", block.name(), note));
  return all;
}

}  // namespace potluck
