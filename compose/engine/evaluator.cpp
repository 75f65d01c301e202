// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/evaluator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compose/tree/diagnostics.h"
#include "core/backend/tiles.h"
#include "core/diagnostics/verdict_words.h"

namespace potluck::engine {
namespace {

constexpr int64_t kMostBatch = 4096;  ///< rows written at once on the CPU: 16 tiles, so that threads have their share

size_t count_of(const Numbers& numbers) {
  return std::visit([](const auto& all) { return all.size(); }, numbers);
}

double number_of(const Numbers& numbers, size_t i) {
  return std::visit([i](const auto& all) { return static_cast<double>(all[i]); }, numbers);
}

std::vector<std::string> names_of(const std::vector<potluck::Variable>& variables) {
  std::vector<std::string> names;
  for (const potluck::Variable& one : variables) names.push_back(one.name);
  return names;
}

void check_number(const potluck::Variable& variable, Precision precision, double value, int64_t row, int64_t j) {
  const auto refuse = [&](const std::string& expected, const std::string& advice = "") {
    throw SettingError(fmt::format("points.{}", variable.name),
                       fmt::format(" must be {}, got {} in row {}, number {}{}", expected, value, row, j, advice));
  };
  if (variable.categorical()) {
    if (!(value >= 0 && value < static_cast<double>(variable.categories) && value == std::floor(value)))
      refuse(fmt::format("labels 0 ... {}", variable.categories - 1));
  } else if (!std::isfinite(value)) {
    refuse("finite");
  } else if (value < variable.least || value > variable.most) {
    refuse(fmt::format("in the support [{}, {}]", variable.least, variable.most));
  } else if (precision == Precision::kFloat32 && !std::isfinite(static_cast<float>(value))) {
    refuse("numbers that float32 holds", ". Use sample.precision: float64");
  }
}

/// The numbers of a variable, or null where it is given whole and may be left out.
const Numbers* numbers_of(const Points& points, const potluck::Variable& variable, const Held& held) {
  const auto found = points.values.find(variable.name);
  if (found == points.values.end()) {
    if (held.all()) return nullptr;
    throw SettingError("points", fmt::format(" must have numbers of '{}', got none", variable.name));
  }
  const auto wanted = static_cast<size_t>(points.rows * variable.size());
  if (const size_t got = count_of(found->second); got != wanted)
    throw SettingError("points." + variable.name,
                       fmt::format(" must have {} ({} of {}), got {}", counted(points.rows * variable.size(), "number"),
                                   counted(points.rows, "row"), variable.size(), got));
  return &found->second;
}

bool is_held(const Held& held, int64_t j) { return held.any() && held.mask[static_cast<size_t>(j)] != 0; }

/// @throws SettingError for everything that is wrong with points but the numbers themselves
std::vector<const Numbers*> checked(const Points& points, const potluck::Composition& composition) {
  int64_t size = 1;  // of the largest variable
  for (const potluck::Variable& one : composition.variables) size = std::max(size, one.size());
  const int64_t most = std::numeric_limits<int64_t>::max() / size;
  if (points.rows < 0 || points.rows > most)
    throw SettingError("points.rows", points.rows < 0 ? fmt::format(" must be >= 0, got {}", points.rows)
                                                      : fmt::format(" must be <= {}, got {}", most, points.rows));
  const std::vector<std::string> names = names_of(composition.variables);
  for (const auto& [name, numbers] : points.values)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw SettingError("points", fmt::format(" must be of variables, got '{}'. {}", name, suggestion(name, names)),
                         nearest(name, names));
  std::vector<const Numbers*> all;
  for (size_t v = 0; v < composition.variables.size(); ++v)
    all.push_back(numbers_of(points, composition.variables[v], composition.held[v]));
  return all;
}

/// Copies rows of one variable, with the given numbers in their places.
/// @param called  what errors call row `first`
void copy_rows(const Numbers* from, const potluck::Variable& variable, const Held& held, Precision precision,
               int64_t first, int64_t rows, int64_t called, double* to) {
  const int64_t n = variable.size();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t j = 0; j < n; ++j) {
      double& out = to[row * n + j];
      if (is_held(held, j)) {
        out = held.value[static_cast<size_t>(j)];
        continue;
      }
      out = number_of(*from, static_cast<size_t>((first + row) * n + j));
      check_number(variable, precision, out, called + row, j);
    }
  }
}

int64_t most_rows_of(const Session& session) {
  const bool cpu = session.device().kind == Device::Kind::kCpu;
  return cpu ? kMostBatch : session.plan().most_rows();
}

}  // namespace

std::vector<std::vector<double>> positions_of(const Points& points, const potluck::Composition& composition) {
  const std::vector<const Numbers*> numbers = checked(points, composition);
  std::vector<std::vector<double>> all;
  for (size_t v = 0; v < numbers.size(); ++v) {
    const potluck::Variable& variable = composition.variables[v];
    all.emplace_back(static_cast<size_t>(points.rows * variable.size()));
    copy_rows(numbers[v], variable, composition.held[v], composition.sample.precision, 0, points.rows, points.first_row,
              all.back().data());
  }
  return all;
}

Evaluator::Evaluator(const Session& session)
    : session_(session), target_(session.target()), most_rows_(most_rows_of(session)) {
  target_.temperature = 1;
}

/// Batches of one size, so that hardly a row is evaluated that nobody asked for.
void Evaluator::make_batches(int64_t rows) {
  const int64_t batches = (rows + most_rows_ - 1) / most_rows_;
  const int64_t batch = (rows + batches - 1) / batches;
  if (chains_ && batch == batch_) return;
  const potluck::Composition& composition = session_.composition();
  ChainsOptions options;
  options.chains = batch;
  options.threads = workers_of_run(session_.device(), composition.sample.chains, session_.options().threads);
  chains_ = make_chains(target_, options);
  batch_ = batch;
  position_.clear();
  for (const potluck::Variable& variable : composition.variables)
    position_.emplace_back(static_cast<size_t>(batch * variable.size()));
}

Evaluation Evaluator::evaluate(const Points& points) {
  const potluck::Composition& composition = session_.composition();
  const std::vector<const Numbers*> numbers = checked(points, composition);
  if (points.rows > 0) make_batches(points.rows);
  Evaluation found;
  found.rows = points.rows;
  found.experts = session_.plan().experts();
  found.energy.resize(static_cast<size_t>(points.rows));
  found.expert_energy.resize(found.experts.size() * found.energy.size());
  for (size_t v = 0; v < composition.variables.size(); ++v)
    if (!composition.variables[v].categorical() && !composition.held[v].all())
      found.gradient[composition.variables[v].name].resize(
          static_cast<size_t>(points.rows * composition.variables[v].size()));
  for (int64_t first = 0; first < points.rows; first += batch_) {
    const int64_t rows = std::min(batch_, points.rows - first);
    write(numbers, first, rows, points.first_row + first);
    chains_->evaluate();
    read(first, rows, found);
  }
  return found;
}

void Evaluator::write(const std::vector<const Numbers*>& numbers, int64_t first, int64_t rows, int64_t called) {
  const potluck::Composition& composition = session_.composition();
  std::vector<const double*> position;
  for (size_t v = 0; v < numbers.size(); ++v) {
    const int64_t n = composition.variables[v].size();
    double* to = position_[v].data();
    copy_rows(numbers[v], composition.variables[v], composition.held[v], session_.plan().precision(), first, rows,
              called, to);
    // What is left of the last batch are copies of its first point.
    for (int64_t row = rows; row < batch_; ++row) std::copy_n(to, n, to + row * n);
    position.push_back(to);
  }
  chains_->write(0, batch_, position.data());
}

void Evaluator::read(int64_t first, int64_t rows, Evaluation& found) {
  chains_->read(state_);
  chains_->read_gradients(state_);
  const auto at = static_cast<std::ptrdiff_t>(first);
  std::copy_n(state_.energy.begin(), rows, found.energy.begin() + at);
  for (size_t e = 0; e < found.experts.size(); ++e)
    std::copy_n(state_.expert_energy.begin() + static_cast<std::ptrdiff_t>(e) * batch_, rows,
                found.expert_energy.begin() + static_cast<std::ptrdiff_t>(e) * found.rows + at);
  const potluck::Composition& composition = session_.composition();
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const auto gradient = found.gradient.find(composition.variables[v].name);
    if (gradient == found.gradient.end()) continue;
    const int64_t n = composition.variables[v].size();
    const std::byte* from = state_.gradient[v].data();
    for (int64_t i = 0; i < rows * n; ++i) {
      double& out = gradient->second[static_cast<size_t>(first * n + i)];
      if (is_held(composition.held[v], i % n))
        out = 0;
      else if (session_.plan().precision() == Precision::kFloat32)
        out = reinterpret_cast<const float*>(from)[i];
      else
        out = reinterpret_cast<const double*>(from)[i];
    }
  }
}

}  // namespace potluck::engine
