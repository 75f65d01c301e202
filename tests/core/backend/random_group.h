// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/backend/group.h"
#include "tests/core/host_energy.h"

namespace potluck::testing {

/// What a group of chains is like: one variable x of n numbers, or y of 3 beside it; and two labels.
struct GroupCase {
  int64_t rows = 8;
  int64_t n = 4;
  Precision precision = Precision::kFloat64;
  bool faces = false;   ///< x is bounded to [-1.5, 1.5]
  bool held = false;    ///< every third number of x, from the second on, is held
  bool frozen = false;  ///< rows 2, 7, 12, ... are frozen
  bool scale = false;   ///< x has a metric and a centre
  bool ladder = false;  ///< rows are ladders of 4, with temperatures and step sizes of their own
  bool second = false;  ///< there is y
  bool fails = false;   ///< some gradients, energies and proposals are not finite, in every way
  bool huge = false;    ///< some gradients have squares beyond float32
};
std::string name_of(const GroupCase& one);

/// The numbers of a group as float64, whatever they are kept as.
struct GroupNumbers {
  /// How two backends agree on them.
  enum class Kind {
    kReal,    ///< positions and velocities: elements
    kSum,     ///< sums, in float64
    kSquare,  ///< products of two sums
    kCount    ///< counts and flags
  };
  std::string name;
  Kind kind;
  std::vector<double> values;
};

/// A group with random numbers in all of its arrays, which lie in one piece of memory, so that a backend can move them
/// to where it can reach them. They are the same for a case whatever they are kept as: those of a case in float32 are
/// numbers of float32 in float64 too.
class RandomGroup {
 public:
  explicit RandomGroup(const GroupCase& shape) : RandomGroup(shape, shape.precision) {}
  /// @param kept  the precision of the group, in which Reals are kept: that of the case, or float64
  RandomGroup(const GroupCase& shape, Precision kept);

  std::vector<std::byte>& memory() { return memory_; }
  /// The group, with its memory at `base`.
  Group at(std::byte* base, void* stream) const;
  /// All that kernels may change, in one order.
  std::vector<GroupNumbers> numbers() const;

 private:
  struct Array {
    std::string name;
    GroupNumbers::Kind kind;
    size_t bytes;  ///< of a number: a Real's, 8, 4 or 1
    bool real;     ///< it is kept as a Real
    size_t offset;
    int64_t count;
    bool changes;
  };
  /// An energy that says what kernels ask of it.
  class Described final : public HostEnergy {
   public:
    Described(std::vector<Variable> variables, Precision precision)
        : HostEnergy(std::move(variables), {"first", "second"}), precision_(precision) {}
    Precision precision() const override { return precision_; }
    void evaluate(const EnergyCall&) const override { throw std::logic_error("kernels evaluate nothing"); }

   private:
    Precision precision_;
  };

  double between(double least, double most);
  double rounded(double value) const;
  void fill_variable(const std::string& name, int64_t n, bool plain);
  void fill_given();
  void fill_rows();
  void fill_counts();
  void fill_labels();
  void add(const std::string& name, GroupNumbers::Kind kind, size_t bytes, bool changes,
           const std::vector<double>& values);
  void add_reals(const std::string& name, bool changes, std::vector<double> values);
  std::vector<double> drawn(int64_t count, double least, double most);
  std::vector<double> gradients(int64_t n, const std::vector<double>& held);
  Block block(const std::string& name, int index, std::byte* base) const;
  template <class T>
  T* pointer(const std::string& name, std::byte* base) const;

  GroupCase shape_;
  Precision kept_;
  std::mt19937_64 random_{20260};
  std::vector<std::byte> memory_;
  std::vector<Array> arrays_;
  Described energy_;
};

}  // namespace potluck::testing
