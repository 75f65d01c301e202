// SPDX-License-Identifier: Apache-2.0
// E = v'Pv/2 - h'v + c, where a model says so: against its energy, its log Z and its draws.
#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"

namespace potluck::conformance {

namespace {

constexpr const char* kUnknown = "no quadratic form is declared";

/// The form with the drawn inputs open (and continuous parents too, where wanted), all else held at row 0 of a batch.
struct Form {
  Eigen::MatrixXd precision;
  Eigen::VectorXd linear;
  double constant = 0;
  std::vector<size_t> open;  ///< inputs, one after the other in v

  double energy(const Eigen::VectorXd& v) const { return v.dot(precision * v) / 2 - linear.dot(v) + constant; }
  /// What rounding in the sum can amount to: the sum of its magnitudes.
  double magnitude(const Eigen::VectorXd& v) const {
    return v.cwiseAbs().dot(precision.cwiseAbs() * v.cwiseAbs()) / 2 + linear.cwiseAbs().dot(v.cwiseAbs()) +
           std::abs(constant);
  }
};

std::optional<Form> form_of(const Model& model, const Batch& held, bool parents_too) {
  Arrays values(model, repeated(model, held, 0, 1));
  Form form;
  for (size_t i = 0; i < held.values.size(); ++i) {
    const InputDescription& input = model.kind().inputs[i];
    if (input.categorical || (input.parent && !parents_too)) continue;
    values.pointers()[i] = nullptr;
    form.open.push_back(i);
  }
  const auto found = model.quadratic(values.pointers());
  if (!found) return std::nullopt;
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  form.precision = Eigen::Map<const Matrix>(found->precision.data(), found->n, found->n);
  form.linear = Eigen::Map<const Eigen::VectorXd>(found->linear.data(), found->n);
  form.constant = found->constant;
  return form;
}

Eigen::VectorXd open_values(const Model& model, const Form& form, const Batch& batch, int64_t row) {
  Eigen::VectorXd v(form.linear.size());
  int64_t at = 0;
  for (const size_t i : form.open) {
    const int64_t size = model.setup().slots[i].size();
    for (int64_t j = 0; j < size; ++j) v[at++] = batch.values[i][static_cast<size_t>(row * size + j)];
  }
  return v;
}

}  // namespace

Finding check_quadratic_form(const Subject& subject) {
  const Model model = subject.create();
  Batch batch = repeated(model, subject.points(model, 1, 80), 0, 9);
  std::string text;
  for (const bool parents_too : {false, true}) {
    const auto form = form_of(model, batch, parents_too);
    if (!form) continue;
    const double asymmetry = (form->precision - form->precision.transpose()).cwiseAbs().maxCoeff();
    if (!(asymmetry <= 1e-12 * form->precision.cwiseAbs().maxCoeff())) {
      return failed(fmt::format("P must be symmetric, got entries that differ by {:.3g}", asymmetry),
                    "Fill both halves of P");
    }
    const Batch points = subject.points(model, 9, 81);
    for (const size_t i : form->open) batch.values[i] = points.values[i];
    const std::vector<double> energy = energies(model, batch);
    WorstDifference worst;
    for (int64_t b = 0; b < 9; ++b) {
      const Eigen::VectorXd v = open_values(model, *form, batch, b);
      const double bound = rounding(model, 1 + form->magnitude(v));
      worst.take(apart(form->energy(v), energy[static_cast<size_t>(b)]), bound);
    }
    if (!worst.within()) {
      return failed(fmt::format("E must be v'Pv/2 - h'v + c{}, got {:.3g} away, bound {:.3g}",
                                parents_too ? " with the parents open" : "", worst.difference(), worst.bound()),
                    "P is the second derivative of E (not half of it), h = -dE/dv at 0, c = E at 0");
    }
    text = fmt::format("{} numbers open, worst {:.3g}, bound {:.3g}", form->linear.size(), worst.difference(),
                       worst.bound());
  }
  return text.empty() ? not_applicable(kUnknown) : passed(text);
}

Finding check_quadratic_log_normaliser(const Subject& subject) {
  const Model model = subject.create();
  const Batch batch = subject.points(model, 1, 82);
  const auto form = form_of(model, batch, false);
  if (!form) return not_applicable(kUnknown);
  const Eigen::LLT<Eigen::MatrixXd> factor(form->precision);
  const bool definite = factor.info() == Eigen::Success;
  const auto log_z = log_normaliser(model, batch);
  if (!definite) {
    if (!log_z && !model.can(POTLUCK_INTEGRABLE)) return passed("P is not positive definite, and no log Z is claimed");
    return failed("P must be positive definite where log Z or integrability is claimed, got one that is not",
                  "exp(-E) of an indefinite or singular form has no finite integral");
  }
  if (!log_z) return not_applicable("log Z is not known to the model");
  // log of the integral of exp(-v'Pv/2 + h'v - c) = (n log 2 pi - log det P + h'P^-1 h)/2 - c.
  const double log_determinant = 2 * Eigen::MatrixXd(factor.matrixL()).diagonal().array().log().sum();
  const double quadratic = form->linear.dot(factor.solve(form->linear));
  const double n = static_cast<double>(form->linear.size());
  const double expected = (n * std::log(2 * std::numbers::pi) - log_determinant + quadratic) / 2 - form->constant;
  const double magnitude = n + std::abs(log_determinant) + std::abs(quadratic) + std::abs(form->constant);
  const double bound = (subject.can(POTLUCK_CAN_FLOAT64) ? 1e-11 : 1e-6) * (1 + magnitude);
  const double away = apart((*log_z)[0], expected);
  if (!(away <= bound)) {
    return failed(fmt::format("log Z must be {:.9g} by the quadratic form, got {:.9g}: {:.3g} away, bound {:.3g}",
                              expected, (*log_z)[0], away, bound),
                  "log Z = (n log 2 pi - log det P + h'P^-1 h)/2 - c");
  }
  return passed(fmt::format("{:.6g}, {:.2g} away, bound {:.2g}", (*log_z)[0], away, bound));
}

Finding check_quadratic_draws(const Subject& subject) {
  const Model model = subject.create();
  if (model.facts().draw_uniforms == 0) return not_applicable("the model has no exact draws");
  const Batch parents = subject.points(model, 1, 83);
  const auto form = form_of(model, parents, false);
  if (!form) return not_applicable(kUnknown);
  const Eigen::LLT<Eigen::MatrixXd> factor(form->precision);
  if (factor.info() != Eigen::Success) return not_applicable("the quadratic form is not positive definite");
  const int64_t rows = kMostRows;
  const int times = form->linear.size() <= 100 ? 8 : 1;
  const Eigen::VectorXd mean = factor.solve(form->linear);
  const Eigen::MatrixXd lower = factor.matrixL();
  // u = L'(v - mean) is standard normal: its means are 0, its variances 1, its covariances 0, each in 6 standard errors
  // 1/sqrt(N), sqrt(2/N), 1/sqrt(N).
  const int64_t n = form->linear.size();
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(n);
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(n, n);
  for (int time = 0; time < times; ++time) {
    const auto drawn = draw(model, repeated(model, parents, 0, rows),
                            subject.uniforms(rows * model.facts().draw_uniforms, static_cast<uint32_t>(90 + time)));
    if (!drawn) return not_applicable("the model cannot draw in this setup");
    for (int64_t b = 0; b < rows; ++b) {
      const Eigen::VectorXd u = lower.transpose() * (open_values(model, *form, *drawn, b) - mean);
      sum += u;
      products.selfadjointView<Eigen::Lower>().rankUpdate(u);
    }
  }
  const double count = static_cast<double>(rows * times);
  double worst = 0;
  const auto take = [&](double value, double standard_error) {
    const double distance = std::abs(value) / standard_error;
    worst = std::isnan(distance) ? static_cast<double>(INFINITY) : std::max(worst, distance);
  };
  for (int64_t i = 0; i < n; ++i) {
    take(sum[i] / count, 1 / std::sqrt(count));
    for (int64_t j = 0; j <= i; ++j)
      take(products(i, j) / count - (i == j ? 1 : 0), std::sqrt((i == j ? 2 : 1) / count));
  }
  const int64_t moments = n + n * (n + 1) / 2;
  if (!(worst < 6)) {
    return failed(fmt::format("moments of {} draws are {:.3g} standard errors away from the quadratic form, bound 6",
                              count, worst),
                  "Draws are normal with mean P^-1 h and covariance P^-1");
  }
  return passed(fmt::format("{} moments of {} draws, worst {:.2f} standard errors, bound 6", moments, count, worst));
}

}  // namespace potluck::conformance
