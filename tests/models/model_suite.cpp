// SPDX-License-Identifier: Apache-2.0
#include "tests/models/model_suite.h"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace potluck::test {
namespace {

constexpr uint64_t kSeed = 20240613;

double scale_of(const Evaluation& evaluation) {
  double most = 1;
  for (double energy : evaluation.energy) most = std::max(most, std::abs(energy));
  for (const auto& gradient : evaluation.gradient)
    for (double entry : gradient) most = std::max(most, std::abs(entry));
  return most;
}

/// Pointers of `batch` with the drawn inputs (and continuous parents) left open, in float64.
struct Open {
  std::vector<std::vector<int64_t>> labels;
  std::vector<const void*> input;
  std::vector<size_t> open;

  Open(const Model& model, const Batch& batch, bool parents_too) {
    labels.resize(batch.values.size());
    for (size_t i = 0; i < batch.values.size(); ++i) {
      const InputDescription& described = model.kind().inputs[i];
      if (described.categorical) {
        labels[i].assign(batch.values[i].begin(), batch.values[i].end());
        input.push_back(labels[i].data());
      } else if (!described.parent || parents_too) {
        input.push_back(nullptr);
        open.push_back(i);
      } else {
        input.push_back(batch.values[i].data());
      }
    }
  }
};

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Largest distance in standard errors between the moments of draws and the exact ones: mean and variance of every
/// coordinate, and the mean energy, each with the standard error that the draws themselves show.
double worst_distance(const Model& model, const Batch& draws, const GridIntegral& exact) {
  double worst = 0;
  const auto compare = [&](auto value, double expected) {
    double sum = 0, squares = 0;
    for (int64_t b = 0; b < draws.rows; ++b) sum += value(b);
    const auto rows = static_cast<double>(draws.rows);
    for (int64_t b = 0; b < draws.rows; ++b) squares += std::pow(value(b) - sum / rows, 2);
    const double error = std::sqrt(squares / rows / rows);
    const double distance = std::abs(sum / rows - expected) / (error + 1e-12 * std::abs(expected) + 1e-300);
    worst = std::isfinite(distance) ? std::max(worst, distance) : INFINITY;
  };
  size_t k = 0;
  for (size_t i = 0; i < draws.values.size(); ++i) {
    if (model.kind().inputs[i].parent) continue;
    const auto size = static_cast<size_t>(model.setup().slots[i].size());
    for (size_t j = 0; j < size; ++j, ++k) {
      const auto x = [&](int64_t b) { return draws.values[i][static_cast<size_t>(b) * size + j]; };
      compare(x, exact.mean[k]);
      compare([&](int64_t b) { return std::pow(x(b) - exact.mean[k], 2); }, exact.variance[k]);
    }
  }
  const Evaluation found = evaluate(model, draws, {.gradient = false});
  // A uniform density has no spread of energies: then the energies must simply be the exact ones.
  compare([&](int64_t b) { return found.energy[static_cast<size_t>(b)]; }, exact.mean_energy);
  return worst;
}

TEST_P(ModelSuite, GradientIsThatOfCentralDifferences) {
  const Model model = create(GetParam(), Precision::kFloat64);
  const Batch batch = random_points(GetParam(), model, 5, kSeed);
  const Evaluation found = evaluate(model, batch);
  const double tolerance = 1e-8 * scale_of(found);
  const double h = 1e-3;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (model.kind().inputs[i].categorical) continue;
    const auto size = static_cast<size_t>(GetParam().slots[i].size());
    for (size_t j = 0; j < size; ++j) {
      const auto energies_at = [&](double shift) {
        Batch moved = batch;
        for (size_t b = 0; b < 5; ++b) moved.values[i][b * size + j] += shift;
        return evaluate(model, moved, {.gradient = false}).energy;
      };
      const auto right = energies_at(h), left = energies_at(-h), far_right = energies_at(2 * h),
                 far_left = energies_at(-2 * h);
      for (size_t b = 0; b < 5; ++b) {
        // Five points: the error is h^4 f'''''/30.
        const double slope = (8 * (right[b] - left[b]) - (far_right[b] - far_left[b])) / (12 * h);
        EXPECT_NEAR(found.gradient[i][b * size + j], slope, tolerance) << "input " << i << " coordinate " << j;
      }
    }
  }
}

TEST_P(ModelSuite, SinglePrecisionAgreesWithDouble) {
  const Model single = create(GetParam(), Precision::kFloat32), twice = create(GetParam(), Precision::kFloat64);
  const Batch batch = random_points(GetParam(), twice, 33, kSeed + 1);
  const Evaluation rough = evaluate(single, batch), fine = evaluate(twice, batch);
  const double tolerance = 2e-5 * scale_of(fine);
  for (size_t b = 0; b < 33; ++b) EXPECT_NEAR(rough.energy[b], fine.energy[b], tolerance);
  for (size_t i = 0; i < batch.values.size(); ++i)
    for (size_t j = 0; j < fine.gradient[i].size(); ++j)
      EXPECT_NEAR(rough.gradient[i][j], fine.gradient[i][j], tolerance);
}

TEST_P(ModelSuite, WhatIsNotAskedForChangesNothingElse) {
  for (Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const Model model = create(GetParam(), precision);
    const Batch batch = random_points(GetParam(), model, 17, kSeed + 2);
    const Evaluation both = evaluate(model, batch), again = evaluate(model, batch);
    EXPECT_EQ(both.energy, again.energy);
    EXPECT_EQ(both.gradient, again.gradient);
    EXPECT_EQ(both.gradient, evaluate(model, batch, {.energy = false}).gradient);
    EXPECT_EQ(both.energy, evaluate(model, batch, {.gradient = false}).energy);
    EXPECT_TRUE(both.inputs_untouched);
    EXPECT_TRUE(both.workspace_respected);
  }
}

TEST_P(ModelSuite, GradientsAreWeighedAndAdded) {
  for (Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const Model model = create(GetParam(), precision);
    ASSERT_TRUE(model.can(POTLUCK_CAN_ACCUMULATE));
    const Batch batch = random_points(GetParam(), model, 3, kSeed + 3);
    const std::vector<double> weights = {1, 0, -0.375};
    const Evaluation plain = evaluate(model, batch);
    const Evaluation weighed = evaluate(model, batch, {.row_weight = weights});
    const Evaluation added = evaluate(model, batch, {.row_weight = weights, .accumulate = true, .start = 0.5});
    const Evaluation added_whole = evaluate(model, batch, {.accumulate = true, .start = 0.5});
    EXPECT_TRUE(added.workspace_respected && added_whole.workspace_respected);
    EXPECT_EQ(plain.energy, weighed.energy);
    EXPECT_EQ(plain.energy, added.energy);
    const double tolerance = (precision == Precision::kFloat32 ? 1e-6 : 1e-14) * scale_of(plain);
    for (size_t i = 0; i < plain.gradient.size(); ++i)
      for (size_t j = 0; j < plain.gradient[i].size(); ++j) {
        const double weight = weights[j / static_cast<size_t>(GetParam().slots[i].size())];
        EXPECT_NEAR(weighed.gradient[i][j], weight * plain.gradient[i][j], tolerance);
        EXPECT_NEAR(added.gradient[i][j], 0.5 + weight * plain.gradient[i][j], tolerance);
        EXPECT_NEAR(added_whole.gradient[i][j], 0.5 + plain.gradient[i][j], tolerance);
      }
  }
}

TEST_P(ModelSuite, ARowsBitsDoNotDependOnTheOtherRows) {
  for (Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const Model model = create(GetParam(), precision);
    if (!model.can(POTLUCK_ROWS_ALONE)) return;  // a case claims it by its abilities
    const Batch batch = random_points(GetParam(), model, 37, kSeed + 4);
    const Evaluation all = evaluate(model, batch);
    for (int64_t row : {0, 20, 36}) {
      const Evaluation alone = evaluate(model, repeat_row(model, batch, row, 37));
      EXPECT_EQ(alone.energy[5], all.energy[static_cast<size_t>(row)]);
      for (size_t i = 0; i < all.gradient.size(); ++i) {
        const auto size = static_cast<size_t>(GetParam().slots[i].size());
        for (size_t j = 0; j < size && !all.gradient[i].empty(); ++j)
          EXPECT_EQ(alone.gradient[i][5 * size + j], all.gradient[i][static_cast<size_t>(row) * size + j]);
      }
    }
  }
}

TEST_P(ModelSuite, FactsAreWhatTheCaseSays) {
  const Model model = create(GetParam(), Precision::kFloat32);
  const uint64_t always = POTLUCK_CAN_CPU | POTLUCK_CAN_FLOAT64 | POTLUCK_CAN_ACCUMULATE;
  EXPECT_EQ(model.facts().abilities & (GetParam().abilities | always), GetParam().abilities | always);
  EXPECT_EQ(model.facts().abilities & GetParam().no_abilities, 0u);
  const Model twice = create(GetParam(), Precision::kFloat64);
  const Evaluation found = evaluate(twice, random_points(GetParam(), twice, 500, kSeed + 5), {.gradient = false});
  EXPECT_GE(*std::min_element(found.energy.begin(), found.energy.end()), twice.facts().least_energy);
  if (GetParam().least_energy) {
    EXPECT_NEAR(twice.facts().least_energy, *GetParam().least_energy, 1e-9 * (1 + std::abs(*GetParam().least_energy)));
  }
}

TEST_P(ModelSuite, LogNormaliserIsTheIntegral) {
  const Model model = create(GetParam(), Precision::kFloat64);
  const Batch batch = random_points(GetParam(), model, 3, kSeed + 6);
  const auto log_z = log_normaliser(model, batch);
  EXPECT_TRUE(!log_z || model.can(POTLUCK_INTEGRABLE)) << "what has a normaliser is integrable";
  if (GetParam().log_z) {
    ASSERT_TRUE(log_z.has_value());
    EXPECT_THAT(*log_z,
                testing::Each(testing::DoubleNear(*GetParam().log_z, 1e-9 * (1 + std::abs(*GetParam().log_z)))));
  }
  if (GetParam().grid_points == 0) return;
  ASSERT_TRUE(log_z.has_value());
  for (int64_t row = 0; row < 3; ++row) {
    const GridIntegral exact = integrate(GetParam(), model, repeat_row(model, batch, row, 1));
    EXPECT_NEAR((*log_z)[static_cast<size_t>(row)], exact.log_z, 1e-7);
    if (std::none_of(model.kind().inputs.begin(), model.kind().inputs.end(), [](const auto& i) { return i.parent; }))
      break;
  }
}

TEST_P(ModelSuite, LogNormaliserHasItsGradientByParents) {
  const Model model = create(GetParam(), Precision::kFloat64);
  const Batch batch = random_points(GetParam(), model, 3, kSeed + 7);
  std::vector<std::vector<double>> gradient;
  if (!log_normaliser(model, batch, &gradient)) return;
  const double h = 1e-4;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const auto size = static_cast<size_t>(GetParam().slots[i].size());
    for (size_t j = 0; j < size && !gradient[i].empty(); ++j) {
      Batch right = batch, left = batch;
      for (size_t b = 0; b < 3; ++b) right.values[i][b * size + j] += h, left.values[i][b * size + j] -= h;
      const auto up = *log_normaliser(model, right), down = *log_normaliser(model, left);
      for (size_t b = 0; b < 3; ++b)
        EXPECT_NEAR(gradient[i][b * size + j], (up[b] - down[b]) / (2 * h), 1e-6 * (1 + std::abs(up[b])));
    }
  }
}

TEST_P(ModelSuite, QuadraticFormIsTheEnergy) {
  const Model model = create(GetParam(), Precision::kFloat64);
  Batch batch = repeat_row(model, random_points(GetParam(), model, 1, kSeed + 8), 0, 9);
  for (bool parents_too : {false, true}) {
    const Open open(model, batch, parents_too);
    const auto form = model.quadratic(open.input.data());
    const bool expected = GetParam().quadratic && (!parents_too || GetParam().also_with_parents_open ||
                                                   open.open.size() == Open(model, batch, false).open.size());
    ASSERT_EQ(form.has_value(), expected);
    if (!form) continue;
    const Batch points = random_points(GetParam(), model, 9, kSeed + 9);
    for (size_t i : open.open) batch.values[i] = points.values[i];
    const Evaluation found = evaluate(model, batch, {.gradient = false});
    const Eigen::Map<const Matrix> precision(form->precision.data(), form->n, form->n);
    const Eigen::Map<const Eigen::VectorXd> linear(form->linear.data(), form->n);
    EXPECT_LE((precision - precision.transpose()).cwiseAbs().maxCoeff(), 1e-12 * precision.cwiseAbs().maxCoeff());
    for (size_t b = 0; b < 9; ++b) {
      std::vector<double> all;
      for (size_t i : open.open) {
        const auto size = static_cast<size_t>(GetParam().slots[i].size());
        all.insert(all.end(), batch.values[i].begin() + static_cast<int64_t>(b * size),
                   batch.values[i].begin() + static_cast<int64_t>((b + 1) * size));
      }
      const Eigen::Map<const Eigen::VectorXd> v(all.data(), form->n);
      EXPECT_NEAR(0.5 * v.dot(precision * v) - linear.dot(v) + form->constant, found.energy[b],
                  1e-10 * scale_of(found));
    }
  }
}

TEST_P(ModelSuite, LogNormaliserOfAQuadraticFormIsThatOfAGaussian) {
  const Model model = create(GetParam(), Precision::kFloat64);
  const Batch batch = random_points(GetParam(), model, 1, kSeed + 10);
  const auto log_z = log_normaliser(model, batch);
  const Open open(model, batch, false);
  const auto form = model.quadratic(open.input.data());
  if (!log_z || !form) return;  // whether each must be known is for other tests to say
  const Eigen::Map<const Matrix> precision(form->precision.data(), form->n, form->n);
  const Eigen::Map<const Eigen::VectorXd> linear(form->linear.data(), form->n);
  const Eigen::LLT<Eigen::MatrixXd> factor(precision);
  ASSERT_EQ(factor.info(), Eigen::Success);
  const double log_determinant = 2 * Eigen::MatrixXd(factor.matrixL()).diagonal().array().log().sum();
  // log of the integral of exp(-v'Pv/2 + h'v - c).
  const double expected = (static_cast<double>(form->n) * std::log(2 * std::numbers::pi) - log_determinant +
                           linear.dot(factor.solve(linear))) /
                              2 -
                          form->constant;
  EXPECT_NEAR((*log_z)[0], expected, 1e-9 * (1 + std::abs(expected)));
}

TEST_P(ModelSuite, DrawsFollowTheLaw) {
  const ModelCase& each = GetParam();
  int64_t numbers = 0;
  for (const Slot& slot : each.slots) numbers += slot.size();
  const int64_t rows = numbers <= 100 ? 40000 : 400;
  const Model model = create(each, Precision::kFloat64, rows);
  const Batch given = repeat_row(model, random_points(each, model, 1, kSeed + 11), 0, rows);
  const auto draws = draw(model, given, kSeed);
  ASSERT_EQ(draws.has_value(), each.draws);
  if (!draws) return;
  GridIntegral exact;
  const Open open(model, given, false);
  if (const auto form = model.quadratic(open.input.data())) {
    const Eigen::Map<const Matrix> precision(form->precision.data(), form->n, form->n);
    const Eigen::Map<const Eigen::VectorXd> linear(form->linear.data(), form->n);
    const Eigen::MatrixXd covariance = precision.inverse();
    const Eigen::VectorXd mean = covariance * linear;
    exact.mean.assign(mean.data(), mean.data() + form->n);
    for (int64_t k = 0; k < form->n; ++k) exact.variance.push_back(covariance(k, k));
    exact.mean_energy = form->constant - 0.5 * linear.dot(mean) + 0.5 * static_cast<double>(form->n);
  } else {
    if (each.grid_points == 0) return;  // no exact moments to compare with; that it draws was seen
    exact = integrate(each, model, given);
  }
  EXPECT_LT(worst_distance(model, *draws, exact), 6);
  // The twin: draws that spread a tenth too far. Their variance is off by a fifth, some 20 standard errors and more.
  Batch wrong = *draws;
  for (size_t i = 0, k = 0; i < wrong.values.size(); ++i) {
    if (model.kind().inputs[i].parent) continue;
    const auto size = static_cast<size_t>(each.slots[i].size());
    for (size_t at = 0; at < wrong.values[i].size(); ++at) {
      const double mean = exact.mean[k + at % size];
      wrong.values[i][at] = mean + 1.1 * (wrong.values[i][at] - mean);
    }
    k += size;
  }
  EXPECT_GT(worst_distance(model, wrong, exact), 12);
}

TEST_P(ModelSuite, HeldCoordinatesStayBitForBitWhereTheyMayBeHeld) {
  const ModelCase& each = GetParam();
  const Model model = create(each, Precision::kFloat32);
  if (!each.draws) return;
  const auto given = draw(model, random_points(each, model, 8, kSeed + 12), kSeed + 1);
  ASSERT_TRUE(given.has_value());
  std::vector<std::vector<uint8_t>> held(each.slots.size());
  for (size_t i = 0; i < held.size(); ++i)
    if (!model.kind().inputs[i].parent) held[i].resize(static_cast<size_t>(each.slots[i].size()));
  const auto first = static_cast<size_t>(
      std::find_if(held.begin(), held.end(), [](const auto& mask) { return !mask.empty(); }) - held.begin());
  held[first][0] = 1;
  const auto draws = draw(model, *given, kSeed + 2, held);
  if (!draws) return;  // the model may refuse, and then says so
  const auto size = static_cast<size_t>(each.slots[first].size());
  for (size_t at = 0; at < draws->values[first].size(); ++at) {
    if (at % size == 0)
      EXPECT_EQ(draws->values[first][at], given->values[first][at]);
    else
      EXPECT_NE(draws->values[first][at], given->values[first][at]);
  }
}

}  // namespace
}  // namespace potluck::test
