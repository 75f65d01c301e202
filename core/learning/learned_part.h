// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/learning/learnable.h"

namespace potluck {

/// A learnable energy of whose arrays only some are learned.
class LearnedPart final : public Learnable {
 public:
  /// @param whole    outlives the object
  /// @param learned  asked for the name of each array that is learned in the whole
  LearnedPart(Learnable& whole, const std::function<bool(const std::string& name)>& learned);

  const Energy& energy() const override { return whole_.energy(); }
  const std::vector<LearnableArray>& arrays() const override { return arrays_; }
  int64_t piece() override { return whole_.piece(); }
  void add_gradient(const ParameterGradientCall& call) override;
  std::vector<double> numbers(size_t array) const override { return whole_.numbers(array); }
  void set_numbers(size_t array, const std::vector<double>& numbers) override { whole_.set_numbers(array, numbers); }
  void changed() override { whole_.changed(); }
  std::shared_ptr<void> allocate(size_t bytes) const override { return whole_.allocate(bytes); }
  void copy(void* to, const void* from, size_t bytes) const override { whole_.copy(to, from, bytes); }

 private:
  Learnable& whole_;
  std::vector<LearnableArray> arrays_;
  std::vector<std::shared_ptr<void>> unused_;  ///< [arrays] sums that the whole makes and nobody asked for, or null
};

}  // namespace potluck
