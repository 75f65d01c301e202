// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/learning/learnable.h"
#include "core/learning/objective.h"
#include "tests/core/host_energy.h"

namespace potluck::testing {

/// A learnable energy given by formulas of one row: all its variables' numbers one after the other, labels as numbers.
class RowLearnable : public Learnable {
 public:
  RowLearnable(std::vector<Variable> variables, std::vector<std::pair<std::string, std::vector<double>>> parameters)
      : energy_(*this, std::move(variables)), parameters_(std::move(parameters)) {
    for (auto& [name, values] : parameters_)
      arrays_.push_back({name, {static_cast<int64_t>(values.size())}, true, values.data(), true});
  }
  RowLearnable(const RowLearnable&) = delete;
  RowLearnable& operator=(const RowLearnable&) = delete;

  /// @param gradient  of the row, as long as x
  virtual double row(const double* x, double* gradient) const = 0;
  /// sum[p] += cotangent dE/dp + d/dp (tangent . dE/dx). @param tangent  as long as x
  virtual void slopes(const double* x, double cotangent, const double* tangent, ParameterSums& sum) const = 0;
  /// A twin may show its formulas other rows than it was asked for.
  virtual int64_t shown_row(size_t /*variable*/, int64_t row, int64_t /*rows*/) const { return row; }

  double& parameter(size_t array, size_t i = 0) { return parameters_[array].second[i]; }
  double parameter(size_t array, size_t i = 0) const { return parameters_[array].second[i]; }
  void leave_alone(size_t array) { arrays_[array].learned = false; }

  const Energy& energy() const override { return energy_; }
  const std::vector<LearnableArray>& arrays() const override { return arrays_; }
  int64_t piece() override { return 1 << 20; }
  std::vector<double> numbers(size_t array) const override { return parameters_[array].second; }
  void set_numbers(size_t array, const std::vector<double>& numbers) override {
    std::copy(numbers.begin(), numbers.end(), parameters_[array].second.begin());
  }
  void changed() override {}
  std::shared_ptr<void> allocate(size_t bytes) const override {
    auto memory = std::make_shared<std::vector<std::byte>>(bytes);
    return {memory, memory->data()};
  }
  void copy(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }

  void add_gradient(const ParameterGradientCall& call) override {
    ParameterSums sum;
    for (const auto& [name, values] : parameters_) sum.emplace_back(values.size());
    for (int64_t row = 0; row < call.rows; ++row) {
      const std::vector<double> x = numbers_of(call.position, row, call.rows);
      std::vector<double> t(x.size());
      if (call.tangent) t = tangent_of(call.tangent, row);
      slopes(x.data(), call.cotangent ? call.cotangent[row] : 0, t.data(), sum);
    }
    for (size_t a = 0; a < sum.size(); ++a)
      for (size_t i = 0; arrays_[a].learned && i < sum[a].size(); ++i) call.sum[a][i] += sum[a][i];
  }

 private:
  class RowsEnergy final : public HostEnergy {
   public:
    RowsEnergy(const RowLearnable& of, std::vector<Variable> variables)
        : HostEnergy(std::move(variables), {"row"}), of_(of) {}
    void evaluate(const EnergyCall& call) const override {
      for (int64_t row = 0; row < call.rows; ++row) {
        const std::vector<double> x = of_.numbers_of(call.position, row, call.rows);
        std::vector<double> g(x.size());
        call.energy[row] = of_.row(x.data(), g.data());
        if (call.expert_energy) call.expert_energy[row] = call.energy[row];
        size_t first = 0;
        for (size_t v = 0; v < variables_.size(); ++v) {
          const auto n = static_cast<size_t>(variables_[v].size());
          if (call.gradient && call.gradient[v])
            std::copy_n(&g[first], n, static_cast<double*>(call.gradient[v]) + static_cast<size_t>(row) * n);
          first += n;
        }
      }
    }

   private:
    const RowLearnable& of_;
  };

  std::vector<double> numbers_of(const void* const* position, int64_t row, int64_t rows) const {
    std::vector<double> x;
    const std::vector<Variable>& variables = energy_.variables();
    for (size_t v = 0; v < variables.size(); ++v) {
      const int64_t n = variables[v].size(), first = shown_row(v, row, rows) * n;
      for (int64_t j = first; j < first + n; ++j)
        x.push_back(variables[v].categorical() ? static_cast<double>(static_cast<const int64_t*>(position[v])[j])
                                               : static_cast<const double*>(position[v])[j]);
    }
    return x;
  }

  std::vector<double> tangent_of(const void* const* tangent, int64_t row) const {
    std::vector<double> t;
    const std::vector<Variable>& variables = energy_.variables();
    for (size_t v = 0; v < variables.size(); ++v)
      for (int64_t j = 0; j < variables[v].size(); ++j)
        t.push_back(tangent[v] ? static_cast<const double*>(tangent[v])[row * variables[v].size() + j] : 0);
    return t;
  }

  RowsEnergy energy_;
  std::vector<std::pair<std::string, std::vector<double>>> parameters_;
  std::vector<LearnableArray> arrays_;
};

/// E = x' A x / 2 - b' x over one variable x [n]: parameters A [n n] as (A + A') / 2, and b [n].
class LearnedQuadratic final : public RowLearnable {
 public:
  explicit LearnedQuadratic(int64_t n, double precision = 1)
      : RowLearnable({Variable{.name = "x", .shape = {n}}}, {{"A", diagonal(n, precision)}, {"b", zeros(n)}}),
        n_(static_cast<size_t>(n)) {}

  double row(const double* x, double* gradient) const override {
    double energy = 0;
    for (size_t i = 0; i < n_; ++i) {
      double product = 0;
      for (size_t j = 0; j < n_; ++j) product += (at(i, j) + at(j, i)) / 2 * x[j];
      gradient[i] = product - parameter(1, i);
      energy += x[i] * (product / 2 - parameter(1, i));
    }
    return energy;
  }
  void slopes(const double* x, double cotangent, const double* tangent, ParameterSums& sum) const override {
    for (size_t i = 0; i < n_; ++i) {
      for (size_t j = 0; j < n_; ++j)
        sum[0][i * n_ + j] += (cotangent * x[i] * x[j] + tangent[i] * x[j] + tangent[j] * x[i]) / 2;
      sum[1][i] -= cotangent * x[i] + tangent[i];
    }
  }

 private:
  static std::vector<double> zeros(int64_t n) { return std::vector<double>(static_cast<size_t>(n)); }
  static std::vector<double> diagonal(int64_t n, double precision) {
    std::vector<double> numbers(static_cast<size_t>(n * n));
    for (int64_t i = 0; i < n; ++i) numbers[static_cast<size_t>(i * n + i)] = precision;
    return numbers;
  }
  double at(size_t i, size_t j) const { return parameter(0, i * n_ + j); }

  size_t n_;
};

}  // namespace potluck::testing
