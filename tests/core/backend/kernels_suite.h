// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "core/backend/kernels.h"

namespace potluck::testing {

/// A backend as the suite sees it.
struct Backend {
  /// Calls of the kernels on a group whose arrays are at `memory`.
  using Work = std::function<void(const Kernels& kernels, std::byte* memory, void* stream)>;

  std::string name;
  std::string missing = {};  ///< why it cannot be tried here; empty: it can be
  /// Adds up rows in the order of the CPU's loops, so that its sums have their bits too.
  bool adds_like_cpu = false;
  /// Does the work on a copy of `memory` where the backend can reach it, and brings it back.
  /// @param step  the first that the work addresses
  std::function<void(std::span<std::byte> memory, uint32_t step, const Work& work)> run = {};
};
std::ostream& operator<<(std::ostream& out, const Backend& backend);

/// An operation of Kernels as the suite calls it.
struct Operation {
  using Call = std::function<void(const Kernels& kernels, Group& group)>;

  std::string name;
  Call call;
  Call twin;                     ///< something else, which the suite must tell from it
  bool needs_ladder = false;     ///< rows are ladders
  bool needs_two = false;        ///< rows have two free numbers, or more
  bool takes_huge = false;       ///< gradients may have squares beyond float32: nothing moves by them
  bool moves_by_sums = false;    ///< what moves depends on sums over a row
  bool adds_what_moved = false;  ///< sums are of Reals that were rounded, or are added in Real
};
std::ostream& operator<<(std::ostream& out, const Operation& operation);

/// All of Kernels.
std::vector<Operation> operations();

/// The backend's operations on random groups of every kind, against Potluck::reference and, where bits must agree,
/// against the CPU's loops of the baseline.
class KernelsTest : public ::testing::TestWithParam<std::tuple<Backend, Operation>> {
 protected:
  void SetUp() override;
};

std::string name_of_test(const ::testing::TestParamInfo<std::tuple<Backend, Operation>>& info);

}  // namespace potluck::testing

/// A backend inherits the suite: POTLUCK_TEST_KERNELS(Cuda, cuda_backend()); in namespace potluck::testing, in a
/// program that is made of kernels_suite.cpp and random_group.cpp too.
#define POTLUCK_TEST_KERNELS(name, ...)                                                                           \
  INSTANTIATE_TEST_SUITE_P(name, KernelsTest,                                                                     \
                           ::testing::Combine(::testing::Values(__VA_ARGS__), ::testing::ValuesIn(operations())), \
                           name_of_test)
