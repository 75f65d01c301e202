// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "compose/engine/state.h"
#include "compose/tree/diagnostics.h"
#include "core/files/run/arviz_netcdf.h"

namespace potluck::engine {
namespace {

constexpr const char* kEnergyText = "E of the composite, before the temperature";
constexpr const char* kExpertText = "E of an expert, before weights";

TableAxis expert_axis(const Composite& composite) {
  return {"expert", static_cast<int64_t>(composite.experts().size()), composite.experts()};
}

TableColumn gradient_column(const potluck::Variable& variable, bool float32) {
  TableColumn column{"gradient_" + variable.name, fmt::format("dE/d{}", variable.name), {}, float32};
  for (size_t axis = 0; axis < variable.shape.size(); ++axis)
    column.axes.push_back({arviz_dimension(variable.name, axis), variable.shape[axis]});
  return column;
}

class PlainScores final : public Scores {
 public:
  PlainScores(Composite& composite, const Asked& asked) : composite_(composite), asked_(asked) {
    columns_.push_back({"energy", kEnergyText});
    if (asked.experts) columns_.push_back({"expert_energy", kExpertText, {expert_axis(composite)}});
    if (!asked.gradient) return;
    const potluck::Composition& composition = composite.state().session.composition();
    for (size_t v = 0; v < composition.variables.size(); ++v) {
      const potluck::Variable& variable = composition.variables[v];
      if (variable.categorical() || composition.held[v].all()) continue;
      columns_.push_back(gradient_column(variable, composition.sample.precision == Precision::kFloat32));
      gradients_.push_back(variable.name);
    }
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  const std::vector<double>& energy() const override { return found_.energy; }

  std::vector<const double*> of(const Points& points) override {
    found_ = composite_.evaluate(points);
    std::vector<const double*> numbers = {found_.energy.data()};
    if (asked_.experts) numbers.push_back(expert_rows());
    for (const std::string& name : gradients_) numbers.push_back(found_.gradient.at(name).data());
    return numbers;
  }

 private:
  /// [rows, experts]
  const double* expert_rows() {
    const size_t experts = found_.experts.size(), rows = found_.energy.size();
    expert_rows_.resize(experts * rows);
    for (size_t row = 0; row < rows; ++row)
      for (size_t e = 0; e < experts; ++e) expert_rows_[row * experts + e] = found_.expert_energy[e * rows + row];
    return expert_rows_.data();
  }

  Composite& composite_;
  Asked asked_;
  std::vector<TableColumn> columns_;
  std::vector<std::string> gradients_;
  Evaluation found_;
  std::vector<double> expert_rows_;
};

/// exp(-E_k / T) / sum_j exp(-E_j / T), without overflow.
void shares_of(const double* energy, size_t count, double temperature, double* share) {
  const double least = *std::min_element(energy, energy + count);
  const bool known =
      std::isfinite(least) && std::none_of(energy, energy + count, [](double e) { return std::isnan(e); });
  double sum = 0;
  for (size_t k = 0; k < count; ++k) sum += share[k] = std::exp((least - energy[k]) / temperature);
  for (size_t k = 0; k < count; ++k) share[k] = known ? share[k] / sum : std::numeric_limits<double>::quiet_NaN();
}

class ScoresOver final : public Scores {
 public:
  ScoresOver(Composite& composite, const potluck::Variable& over, const Asked& asked)
      : composite_(composite),
        over_(over.name),
        labels_(static_cast<size_t>(over.categories)),
        temperature_(composite.state().session.composition().sample.temperature),
        experts_(asked.experts ? composite.experts().size() : 0) {
    const TableAxis category{"category", over.categories};
    columns_.push_back({"energy", std::string(kEnergyText) + ", with each label of " + over_, {category}});
    columns_.push_back({"probability", "p(" + over_ + " | all else)", {category}});
    if (asked.experts) columns_.push_back({"expert_energy", kExpertText, {category, expert_axis(composite)}});
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  const std::vector<double>& energy() const override { return energy_; }

  std::vector<const double*> of(const Points& points) override {
    const auto rows = static_cast<size_t>(points.rows);
    energy_.resize(rows * labels_);
    share_.resize(rows * labels_);
    expert_.resize(rows * labels_ * experts_);
    Points labelled = points;
    for (size_t k = 0; k < labels_; ++k) {
      labelled.values[over_] = std::vector<int64_t>(rows, static_cast<int64_t>(k));
      take(composite_.evaluate(labelled), k);
    }
    for (size_t row = 0; row < rows; ++row)
      shares_of(&energy_[row * labels_], labels_, temperature_, &share_[row * labels_]);
    std::vector<const double*> numbers = {energy_.data(), share_.data()};
    if (experts_ > 0) numbers.push_back(expert_.data());
    return numbers;
  }

 private:
  void take(const Evaluation& found, size_t k) {
    const size_t rows = found.energy.size();
    for (size_t row = 0; row < rows; ++row) {
      energy_[row * labels_ + k] = found.energy[row];
      for (size_t e = 0; e < experts_; ++e)
        expert_[(row * labels_ + k) * experts_ + e] = found.expert_energy[e * rows + row];
    }
  }

  Composite& composite_;
  std::string over_;
  size_t labels_;
  double temperature_;
  size_t experts_;
  std::vector<TableColumn> columns_;
  std::vector<double> energy_, share_, expert_;
};

}  // namespace

std::unique_ptr<Scores> plain_scores(Composite& composite, const Asked& asked) {
  return std::make_unique<PlainScores>(composite, asked);
}

std::unique_ptr<Scores> scores_over(Composite& composite, const std::string& over, const Asked& asked) {
  if (asked.gradient)
    throw SettingError("gradient",
                       " must be left out with over, got both: gradients are those of one label. Give the "
                       "label");
  for (const potluck::Variable& variable : composite.state().session.composition().variables) {
    if (variable.name != over) continue;
    if (variable.categorical() && variable.size() == 1) return std::make_unique<ScoresOver>(composite, variable, asked);
    throw SettingError("over", fmt::format(" must be a variable of one label, got '{}', {}", over,
                                           variable.categorical() ? fmt::format("which has {}", variable.size())
                                                                  : std::string("whose numbers are real")));
  }
  throw SettingError("over", fmt::format(" must be a variable, got '{}'", over));
}

}  // namespace potluck::engine
