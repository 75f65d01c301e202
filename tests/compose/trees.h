// SPDX-License-Identifier: Apache-2.0
#pragma once

// Compositions built in C++, as the reader of files would build them, and their evaluation.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compose/plan/plan.h"
#include "tests/compose/small_models.h"

namespace potluck::testing {

inline NodePointer node(std::string name, decltype(Node::kind) kind) {
  auto made = std::make_shared<Node>();
  made->name = std::move(name);
  made->kind = std::move(kind);
  made->place = {"scene.yaml", 7, 3};
  return made;
}

/// A whole variable of `size` numbers.
inline Binding whole(int variable, int64_t size) { return {variable, {size}, {}, {}, "variable"}; }
/// [parts, size] elements of a variable.
inline Binding part(int variable, int64_t size, std::vector<int32_t> index) {
  return {variable, {size}, std::move(index), {}, "view"};
}
inline Binding literal(std::vector<double> numbers) {
  const int64_t size = static_cast<int64_t>(numbers.size());
  return {-1, {size}, {}, std::move(numbers), "literal"};
}

inline NodePointer leaf(const ModelKind& kind, std::vector<Binding> inputs,
                        const std::vector<std::vector<double>>& settings = {}, const std::string& name = "",
                        int64_t parts = 1) {
  Leaf made;
  made.kind = &kind;
  made.inputs = std::move(inputs);
  made.parts = parts;
  for (const auto& numbers : settings) {
    SettingValue value;
    value.real = numbers;
    made.settings.push_back(value);
  }
  return node(name.empty() ? kind.name : name, made);
}

/// N(mean, 1/precision) of a whole variable.
inline NodePointer normal(int variable, std::vector<double> mean, std::vector<double> precision,
                          const ModelKind& kind = gauss()) {
  const int64_t n = static_cast<int64_t>(mean.size());
  return leaf(kind, {whole(variable, n)}, {std::move(mean), std::move(precision)});
}

inline NodePointer product(std::vector<Product::Term> terms) { return node("product", Product{std::move(terms)}); }
inline NodePointer mixture(std::vector<Mixture::Branch> branches, bool unnormalised = false) {
  return node("mixture", Mixture{std::move(branches), unnormalised});
}

inline Variable real_line(const std::string& name, int64_t size) {
  Variable variable;
  variable.name = name;
  variable.shape = {size};
  return variable;
}
inline Variable interval(const std::string& name, int64_t size, double least, double most) {
  Variable variable = real_line(name, size);
  variable.least = least;
  variable.most = most;
  return variable;
}

inline Composition composition(std::vector<Variable> variables, NodePointer target) {
  Composition made;
  made.file = "scene.yaml";
  made.held.resize(variables.size());
  made.variables = std::move(variables);
  made.target = std::move(target);
  return made;
}

inline PlanOptions in_double(int64_t most_rows = 16) {
  PlanOptions options;
  options.precision = Precision::kFloat64;
  options.most_rows = most_rows;
  return options;
}

/// Energies, expert energies and gradients of a batch of states.
struct Evaluated {
  std::vector<double> energy;
  std::vector<double> expert;                 ///< [experts, rows]
  std::vector<std::vector<double>> gradient;  ///< [variables][rows, n]
};

/// `position`: one [rows, n] array per variable, labels as numbers.
inline Evaluated evaluate(const Energy& plan, const std::vector<std::vector<double>>& position, int64_t rows,
                          bool gradients = true, int worker = 0) {
  const std::vector<Variable>& variables = plan.variables();
  const bool narrow = plan.precision() == Precision::kFloat32;
  std::vector<std::vector<float>> narrow_position(variables.size()), narrow_gradient(variables.size());
  std::vector<std::vector<int64_t>> labels(variables.size());
  Evaluated result;
  result.energy.assign(static_cast<size_t>(rows), 1e300);
  result.expert.assign(plan.experts().size() * static_cast<size_t>(rows), 1e300);
  result.gradient.resize(variables.size());
  std::vector<const void*> in;
  std::vector<void*> out;
  for (size_t v = 0; v < variables.size(); ++v) {
    const size_t count = position[v].size();
    result.gradient[v].assign(count, 1e300);  // whatever stands there must be overwritten
    labels[v].assign(position[v].begin(), position[v].end());
    narrow_position[v].assign(position[v].begin(), position[v].end());
    narrow_gradient[v].assign(count, 1e30f);
    if (variables[v].categorical()) {
      in.push_back(labels[v].data());
      out.push_back(nullptr);
    } else {
      in.push_back(narrow ? static_cast<const void*>(narrow_position[v].data()) : position[v].data());
      out.push_back(narrow ? static_cast<void*>(narrow_gradient[v].data()) : result.gradient[v].data());
    }
  }
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> workspace(plan.workspace_bytes(rows) / sizeof(Block) + 1);
  std::memset(static_cast<void*>(workspace.data()), 0xff, workspace.size() * sizeof(Block));  // NaN everywhere
  EnergyCall call;
  call.rows = rows;
  call.position = in.data();
  call.energy = result.energy.data();
  call.gradient = gradients ? out.data() : nullptr;
  call.expert_energy = result.expert.data();
  call.workspace = workspace.data();
  call.worker = worker;
  plan.evaluate(call);
  for (size_t v = 0; v < variables.size() && narrow; ++v)
    result.gradient[v].assign(narrow_gradient[v].begin(), narrow_gradient[v].end());
  return result;
}

/// The energies of all labels of an element, [K, rows], of a plan in float64. `position` as of evaluate().
inline std::vector<double> category_energies(const Energy& plan, const std::vector<std::vector<double>>& position,
                                             int64_t rows, int variable, int64_t element) {
  const std::vector<Variable>& variables = plan.variables();
  std::vector<std::vector<int64_t>> labels(variables.size());
  std::vector<const void*> in;
  for (size_t v = 0; v < variables.size(); ++v) {
    labels[v].assign(position[v].begin(), position[v].end());
    in.push_back(variables[v].categorical() ? static_cast<const void*>(labels[v].data()) : position[v].data());
  }
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> workspace(plan.workspace_bytes(rows) / sizeof(Block) + 1);
  std::memset(static_cast<void*>(workspace.data()), 0xff, workspace.size() * sizeof(Block));  // NaN everywhere
  std::vector<double> energy(static_cast<size_t>(variables[static_cast<size_t>(variable)].categories * rows), 1e300);
  CategoryCall call;
  call.state.rows = rows;
  call.state.position = in.data();
  call.state.workspace = workspace.data();
  call.variable = variable;
  call.element = element;
  call.energy = energy.data();
  plan.category_energies(call);
  return energy;
}

}  // namespace potluck::testing
