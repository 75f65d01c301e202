// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/draw_view.h"

#include <cstring>

namespace potluck::engine {
namespace {

using Values = decltype(Draw::Position::values);

Values values_of(const potluck::Variable& variable, Precision precision, const void* from, int64_t chains) {
  const auto count = static_cast<size_t>(chains * variable.size());
  if (variable.categorical()) return std::span(static_cast<const int64_t*>(from), count);
  if (precision == Precision::kFloat32) return std::span(static_cast<const float*>(from), count);
  return std::span(static_cast<const double*>(from), count);
}

}  // namespace

void view(const potluck::Draw& draw, const potluck::Composition& composition, size_t experts, Draw& view) {
  const auto chains = static_cast<size_t>(draw.chains);
  view.index = draw.index;
  view.step = draw.step;
  view.chains = draw.chains;
  if (view.positions.empty())
    for (const potluck::Variable& one : composition.variables) view.positions.push_back({one.name, one.shape, {}});
  for (size_t v = 0; v < composition.variables.size(); ++v)
    view.positions[v].values =
        values_of(composition.variables[v], composition.sample.precision, draw.position[v], draw.chains);
  view.energy = {draw.energy, chains};
  view.expert_energy = {draw.expert_energy, experts * chains};
  view.acceptance = {draw.acceptance, chains};
  view.frozen = {draw.frozen, chains};
}

Draw view_of(const potluck::Draw& draw, const potluck::Composition& composition, size_t experts) {
  Draw made;
  view(draw, composition, experts, made);
  return made;
}

void DrawCopy::take(const potluck::Draw& draw, const potluck::Composition& composition, size_t experts) {
  const auto chains = static_cast<size_t>(draw.chains);
  potluck::Draw copy = draw;
  position_.resize(composition.variables.size());
  for (size_t v = 0; v < position_.size(); ++v) {
    const potluck::Variable& variable = composition.variables[v];
    const size_t bytes = variable.categorical() ? sizeof(int64_t) : bytes_of(composition.sample.precision);
    position_[v].resize(chains * static_cast<size_t>(variable.size()) * bytes);
    std::memcpy(position_[v].data(), draw.position[v], position_[v].size());
    copy.position[v] = position_[v].data();
  }
  energy_.assign(draw.energy, draw.energy + chains);
  expert_energy_.assign(draw.expert_energy, draw.expert_energy + experts * chains);
  acceptance_.assign(draw.acceptance, draw.acceptance + chains);
  frozen_.assign(draw.frozen, draw.frozen + chains);
  copy.energy = energy_.data();
  copy.expert_energy = expert_energy_.data();
  copy.acceptance = acceptance_.data();
  copy.frozen = frozen_.data();
  view_ = view_of(copy, composition, experts);
}

}  // namespace potluck::engine
