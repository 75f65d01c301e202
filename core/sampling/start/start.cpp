// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/start/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/random/philox.h"

namespace potluck {

namespace {

NoiseAddress address(uint32_t seed, const Variable& variable, int64_t chain, int attempt) {
  return {seed, variable_key(variable.name), static_cast<uint32_t>(chain), static_cast<uint32_t>(attempt),
          Purpose::kStart};
}

bool bounded(const Variable& variable) { return std::isfinite(variable.least) && std::isfinite(variable.most); }

/// What stands in one coordinate, by the kind of its support. A label is uniform over its K categories; K starts one
/// after the other have all K of them, in each element, in an order that is drawn for these K starts and the element.
class PlainStart final : public Start {
 public:
  enum class Kind { kDefault, kUniform, kNormal };
  PlainStart(const std::vector<Variable>& variables, Kind kind, int64_t superchain)
      : variables_(variables), kind_(kind), superchain_(superchain) {}

  std::string description() const override {
    switch (kind_) {
      case Kind::kUniform:
        return "uniform in the supports";
      case Kind::kNormal:
        return "standard normal, folded into the supports";
      default:
        return "uniform in bounded supports, standard normal elsewhere";
    }
  }
  bool exact() const override { return false; }

  void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const override {
    std::vector<double> u;
    for (size_t v = 0; v < variables_.size(); ++v) {
      const Variable& variable = variables_[v];
      const int64_t n = variable.size();
      u.resize(n);
      for (int64_t row = 0; row < rows; ++row) {
        const NoiseAddress at = address(seed, variable, first_chain + row, attempt);
        double* to = position[v] + row * n;
        if (variable.categorical()) {
          draw_labels(seed, variable, (first_chain + row) / superchain_, attempt, u, to);
        } else if (kind_ != Kind::kNormal && bounded(variable)) {
          uniforms(at, n, u.data());
          for (int64_t j = 0; j < n; ++j) to[j] = variable.least + (variable.most - variable.least) * u[j];
        } else {
          for (int64_t j = 0; j < n; ++j) to[j] = placed(variable, static_cast<double>(standard_normal(at, j)));
        }
      }
    }
  }

 private:
  /// Begins the order anew at each K starts: (start + shift) mod K, with a shift that is uniform.
  static void draw_labels(uint32_t seed, const Variable& variable, int64_t start, int attempt, std::vector<double>& u,
                          double* to) {
    const int64_t categories = variable.categories, n = variable.size();
    uniforms(address(seed, variable, start / categories, attempt), n, u.data());
    for (int64_t j = 0; j < n; ++j) {
      const auto shift = static_cast<int64_t>(u[j] * static_cast<double>(categories));
      to[j] = static_cast<double>((start + shift) % categories);
    }
  }

  double placed(const Variable& variable, double z) const {
    if (kind_ == Kind::kDefault && std::isfinite(variable.least)) return variable.least + std::fabs(z);
    if (kind_ == Kind::kDefault && std::isfinite(variable.most)) return variable.most - std::fabs(z);
    double sign;
    return element::fold(z, variable.least, variable.most, sign);
  }

  std::vector<Variable> variables_;
  Kind kind_;
  int64_t superchain_;
};

class GivenStart final : public Start {
 public:
  GivenStart(std::vector<std::vector<double>> position, int64_t rows, const std::vector<Variable>& variables,
             std::string description)
      : position_(std::move(position)), rows_(rows), variables_(variables), description_(std::move(description)) {}

  std::string description() const override { return description_; }
  bool exact() const override { return false; }
  bool given() const override { return true; }

  void draw(uint32_t, int64_t first_chain, int64_t rows, int, double* const* position) const override {
    for (size_t v = 0; v < variables_.size(); ++v) {
      const int64_t n = variables_[v].size();
      if (position_[v].empty()) continue;
      for (int64_t row = 0; row < rows; ++row) {
        const double* from = position_[v].data() + (first_chain + row) % rows_ * n;
        std::copy_n(from, n, position[v] + row * n);
      }
    }
  }

 private:
  std::vector<std::vector<double>> position_;
  int64_t rows_;
  std::vector<Variable> variables_;
  std::string description_;
};

class SuperchainStart final : public Start {
 public:
  SuperchainStart(std::unique_ptr<Start> start, int64_t size, const std::vector<Variable>& variables)
      : start_(std::move(start)), size_(size) {
    for (const Variable& variable : variables) sizes_.push_back(variable.size());
  }

  std::string description() const override {
    return fmt::format("{}, one for {} neighbouring chains", start_->description(), size_);
  }
  bool exact() const override { return false; }  // not independent
  bool given() const override { return start_->given(); }

  void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const override {
    std::vector<double*> at(sizes_.size());
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t chain = first_chain + row, head = chain / size_ * size_;
      for (size_t v = 0; v < at.size(); ++v) at[v] = position[v] + row * sizes_[v];
      if (row == 0 || chain == head) {
        start_->draw(seed, head, 1, attempt, at.data());
      } else {
        for (size_t v = 0; v < at.size(); ++v) std::copy_n(at[v] - sizes_[v], sizes_[v], at[v]);
      }
    }
  }

 private:
  std::unique_ptr<Start> start_;
  int64_t size_;
  std::vector<int64_t> sizes_;
};

}  // namespace

std::unique_ptr<Start> default_start(const std::vector<Variable>& variables, int64_t superchain) {
  return std::make_unique<PlainStart>(variables, PlainStart::Kind::kDefault, superchain);
}

std::unique_ptr<Start> uniform_start(const std::vector<Variable>& variables, int64_t superchain) {
  for (const Variable& variable : variables) {
    if (variable.categorical() || bounded(variable)) continue;
    throw SettingError(
        "sample.start",
        fmt::format(" must be one that does not need bounds, got 'uniform': the support of '{}' is [{:g}, {:g}]. Give "
                    "it a bounded support, or use start: normal",
                    variable.name, variable.least, variable.most));
  }
  return std::make_unique<PlainStart>(variables, PlainStart::Kind::kUniform, superchain);
}

std::unique_ptr<Start> normal_start(const std::vector<Variable>& variables, int64_t superchain) {
  return std::make_unique<PlainStart>(variables, PlainStart::Kind::kNormal, superchain);
}

std::unique_ptr<Start> given_start(std::vector<std::vector<double>> position, int64_t rows,
                                   const std::vector<Variable>& variables, std::string description) {
  for (size_t v = 0; v < variables.size(); ++v) {
    const auto expected = static_cast<size_t>(rows * variables[v].size());
    if (position[v].empty() || position[v].size() == expected) continue;
    throw SettingError(fmt::format("starting positions of '{}' must have {} x {} numbers, got {}", variables[v].name,
                                   rows, variables[v].size(), position[v].size()));
  }
  return std::make_unique<GivenStart>(std::move(position), rows, variables, std::move(description));
}

std::unique_ptr<Start> superchain_start(std::unique_ptr<Start> start, int64_t size,
                                        const std::vector<Variable>& variables) {
  return std::make_unique<SuperchainStart>(std::move(start), size, variables);
}

}  // namespace potluck
