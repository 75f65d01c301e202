// SPDX-License-Identifier: Apache-2.0
#include "tests/exactness/composed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include "compose/file/file.h"
#include "compose/start/exact_start.h"
#include "core/backend/tiles.h"
#include "plugins/registry.h"
#include "tests/core/files/scratch.h"

namespace potluck::testing {

namespace {

/// One for the process: a plugin is opened once, and first sight of it is remembered from one test to the next.
Registry& registry() {
  static const std::unique_ptr<Registry> models = [] {
    auto made = std::make_unique<Registry>(
        Registry::Options{.verdicts = std::filesystem::path(POTLUCK_BINARY_DIR) / "tests" / "verdicts"});
    made->add_place(POTLUCK_MODELS_DIR, "models", true);
    made->add_place(POTLUCK_EXACTNESS_PLUGINS_DIR, "tests", true);
    return made;
  }();
  return *models;
}

/// "method: mala, chains: 1000000, ...", what is said in `more` replacing the presets.
std::string sample_section(const std::string& more) {
  std::string text;
  for (const auto& [key, value] : std::map<std::string, std::string>{{"method", "mala"},
                                                                     {"chains", fmt::format("{}", kComposedChains)},
                                                                     {"warmup", "0"},
                                                                     {"steps", "20"},
                                                                     {"thin", "20"},
                                                                     {"seed", "3"}})
    if (more.find(key + ":") == std::string::npos) text += key + ": " + value + ", ";
  return "\nsample: {" + text + more + "}\n";
}

int64_t numbers(const std::vector<Variable>& variables) {
  int64_t count = 0;
  for (const Variable& variable : variables) count += variable.size();
  return count;
}

class LastDrawKeeper final : public Observer {
 public:
  LastDrawKeeper(const std::vector<Variable>& variables, Precision precision)
      : variables_(variables), precision_(precision) {}

  void drew(const Draw& draw) override {
    kept.column.clear();
    for (size_t v = 0; v < variables_.size(); ++v) {
      const int64_t n = variables_[v].size();
      for (int64_t j = 0; j < n; ++j) {
        std::vector<double>& column = kept.column.emplace_back(static_cast<size_t>(draw.chains));
        for (int64_t chain = 0; chain < draw.chains; ++chain)
          column[static_cast<size_t>(chain)] =
              variables_[v].categorical()
                  ? static_cast<double>(static_cast<const int64_t*>(draw.position[v])[chain * n + j])
              : precision_ == Precision::kFloat32 ? double{static_cast<const float*>(draw.position[v])[chain * n + j]}
                                                  : static_cast<const double*>(draw.position[v])[chain * n + j];
      }
    }
    kept.frozen.assign(draw.frozen, draw.frozen + draw.chains);
  }

  LastDraw kept;

 private:
  const std::vector<Variable>& variables_;
  Precision precision_;
};

}  // namespace

Composed::Composed(const std::string& text, const std::string& sample,
                   const std::function<void(const std::filesystem::path& folder)>& beside) {
  const Scratch scratch;
  if (beside) beside(scratch.folder());
  composition_ =
      read_composition(scratch.file("scene.yaml", "potluck: 1\n" + text + sample_section(sample)), {}, registry());
  PlanOptions options;
  options.precision = composition_.sample.precision;
  options.most_rows = most_rows_of_run(options.device, composition_.sample.chains);
  options.workers = std::max(5, static_cast<int>(std::thread::hardware_concurrency()));
  plan_ = make_plan(composition_, options);
}

std::unique_ptr<Start> Composed::exact_draws() const {
  auto start = exact_start(composition_);
  if (!start || !start->exact()) throw std::runtime_error("the composition has no exact draws");
  return start;
}

std::unique_ptr<Start> Composed::at(const std::vector<double>& rows) const {
  const int64_t width = numbers(composition_.variables);
  const int64_t count = static_cast<int64_t>(rows.size()) / width;
  std::vector<std::vector<double>> position;
  int64_t first = 0;
  for (const Variable& variable : composition_.variables) {
    std::vector<double>& of_variable = position.emplace_back();
    for (int64_t row = 0; row < count; ++row)
      of_variable.insert(of_variable.end(), rows.begin() + row * width + first,
                         rows.begin() + row * width + first + variable.size());
    first += variable.size();
  }
  return given_start(std::move(position), count, composition_.variables, "exact draws made by the test");
}

LastDraw Composed::run(const Start& start, int64_t chains, int threads, const Energy* instead) const {
  const SampleSettings& sample = composition_.sample;
  RunOptions options;
  options.method = sample.method;
  options.values = sample.method_values;
  options.blocks = sample.blocks;
  options.chains = chains > 0 ? chains : sample.chains;
  options.anneal = sample.anneal;
  options.warmup = sample.warmup;
  options.steps = sample.steps;
  options.thin = sample.thin;
  options.seed = sample.seed;
  options.threads = threads;
  LastDrawKeeper keeper(composition_.variables, plan_->precision());
  Observer* observers[] = {&keeper};
  const std::atomic<bool> go_on{false};
  RunSummary summary = potluck::run({instead ? instead : plan_.get(), composition_.held, sample.temperature}, start,
                                    options, observers, go_on);
  keeper.kept.summary = std::move(summary);
  return std::move(keeper.kept);
}

double worst_z(const LastDraw& draw, const std::vector<size_t>& columns, const Moments& expected) {
  double worst = 0;
  std::vector<double> product(draw.column[columns[0]].size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const std::vector<double>& a = draw.column[columns[i]];
    worst = std::max(worst, std::fabs(z_mean(a, expected.mean(row))));
    for (size_t j = 0; j <= i; ++j) {
      const auto other = static_cast<int64_t>(j);
      const std::vector<double>& b = draw.column[columns[j]];
      for (size_t c = 0; c < product.size(); ++c)
        product[c] = (a[c] - expected.mean(row)) * (b[c] - expected.mean(other));
      worst = std::max(worst, std::fabs(z_mean(product, expected.covariance(row, other))));
    }
  }
  return worst;
}

RightAndBroken expect_law(const Composed& right, const Composed& broken, const Start& start,
                          const std::vector<size_t>& columns, const Moments& expected) {
  RightAndBroken draws{right.run(start), broken.run(start, kBrokenChains)};
  EXPECT_LT(worst_z(draws.right, columns, expected), kPass);
  EXPECT_GT(draws.right.summary.acceptance, 0.4) << "the chains must move for the check to mean anything";
  EXPECT_EQ(draws.right.summary.frozen_count, 0);
  EXPECT_GT(worst_z(draws.broken, columns, expected), kReject);
  return draws;
}

Moments moments(double mean, double variance) {
  return {Eigen::VectorXd::Constant(1, mean), Eigen::MatrixXd::Constant(1, 1, variance)};
}

Moments conditioned(const Moments& joint, const std::vector<int>& held, const std::vector<double>& values) {
  std::vector<int> left;
  for (int i = 0; i < joint.mean.size(); ++i)
    if (std::find(held.begin(), held.end(), i) == held.end()) left.push_back(i);
  const Eigen::Map<const Eigen::VectorXd> value(values.data(), static_cast<int64_t>(values.size()));
  const Eigen::MatrixXd across = joint.covariance(left, held);
  const Eigen::MatrixXd gain = joint.covariance(held, held).partialPivLu().solve(across.transpose()).transpose();
  return {joint.mean(left) + gain * (value - joint.mean(held)),
          joint.covariance(left, left) - gain * across.transpose()};
}

std::vector<double> BoxedDensity::draw(int64_t count, uint64_t seed) const {
  std::mt19937_64 source(seed);
  std::uniform_real_distribution<> u;
  const size_t n = least.size();
  std::vector<double> rows(static_cast<size_t>(count) * n);
  for (size_t row = 0; row < rows.size(); row += n) {
    do {
      for (size_t j = 0; j < n; ++j) rows[row + j] = least[j] + u(source) * (most[j] - least[j]);
    } while (peak * u(source) >= of(&rows[row]));
  }
  return rows;
}

Moments BoxedDensity::moments() const {
  constexpr int kCells = 1000;
  const auto n = static_cast<int64_t>(least.size());
  double mass = 0;
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(n), x(n);
  Eigen::MatrixXd squares = Eigen::MatrixXd::Zero(n, n);
  for (int cell = 0; cell < (n == 1 ? kCells : kCells * kCells); ++cell) {
    for (int64_t j = 0; j < n; ++j) {
      const auto at = static_cast<size_t>(j);
      x(j) = least[at] + (most[at] - least[at]) * ((j == 0 ? cell % kCells : cell / kCells) + 0.5) / kCells;
    }
    const double density = of(x.data());
    mass += density;
    sum += density * x;
    squares += density * x * x.transpose();
  }
  sum /= mass;
  return {sum, squares / mass - sum * sum.transpose()};
}

std::string yaml(const Eigen::MatrixXd& row_by_row) {
  std::string text;
  for (int64_t i = 0; i < row_by_row.rows(); ++i)
    for (int64_t j = 0; j < row_by_row.cols(); ++j)
      text += fmt::format("{}{:.17g}", text.empty() ? "" : ", ", row_by_row(i, j));
  return "[" + text + "]";
}

}  // namespace potluck::testing
