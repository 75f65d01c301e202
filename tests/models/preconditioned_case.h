// SPDX-License-Identifier: Apache-2.0
// What tests of conv_energy and mlp_energy share: the energy of models/preconditioned in plain loops of float64, of the
// numbers that a model has as its parameters, and the checks that every such model passes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/models/model_probe.h"

namespace potluck::test {

/// The parameters of a model by name, in float64.
class Parameters {
 public:
  explicit Parameters(Model& model) : arrays_(model.parameters()) {}

  Numbers at(const std::string& name) const {
    const double* first = static_cast<const double*>(array(name).data);
    return {first, first + array(name).size()};
  }
  const ModelParameter& array(const std::string& name) const {
    for (const ModelParameter& each : arrays_)
      if (each.name == name) return each;
    throw std::runtime_error("no parameter " + name);
  }
  const std::vector<ModelParameter>& arrays() const { return arrays_; }
  /// Adds `factor` times `direction` to all trainable parameters.
  void move(const std::vector<Numbers>& direction, double factor) {
    for (size_t p = 0; p < arrays_.size(); ++p)
      for (int64_t k = 0; k < arrays_[p].size() && arrays_[p].trainable; ++k)
        static_cast<double*>(arrays_[p].data)[k] += factor * direction[p][static_cast<size_t>(k)];
  }
  void write(const std::string& name, const Numbers& values) {
    std::copy(values.begin(), values.end(), static_cast<double*>(array(name).data));
  }

 private:
  std::vector<ModelParameter> arrays_;
};

inline Slot left_out() {
  Slot slot;
  slot.left_out = true;
  return slot;
}

inline double silu(double a) { return a / (1 + std::exp(-a)); }

/// weight [out, in] x + bias; a bias that is empty is 0.
inline Numbers dense(const Numbers& weight, const Numbers& x, const Numbers& bias = {}) {
  Numbers out(weight.size() / x.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = bias.empty() ? 0 : bias[i];
    for (size_t j = 0; j < x.size(); ++j) out[i] += weight[i * x.size() + j] * x[j];
  }
  return out;
}

/// silu(z (1 + scale) + shift) of channels of `places` numbers each.
inline Numbers modulated(const Parameters& p, const std::string& name, const Numbers& z, size_t channels,
                         const Numbers& features) {
  const Numbers both = dense(p.at(name + "_modulation_weight"), features, p.at(name + "_modulation_bias"));
  const size_t places = z.size() / channels;
  Numbers out(z.size());
  for (size_t i = 0; i < z.size(); ++i) out[i] = silu(z[i] * (1 + both[i / places]) + both[channels + i / places]);
  return out;
}

/// E of one row by docs/models/conv_energy.md. @param network  h(u, features)
inline double preconditioned_energy(const Parameters& p, const Numbers& x, double noise, int label,
                                    const std::function<double(const Numbers&, const Numbers&)>& network) {
  const Numbers mean = p.at("data_mean");
  const double s = p.at("data_scale")[0];
  const double sigma = std::sqrt(noise * noise + 1e-6 * s * s), total = sigma * sigma + s * s;
  const double c = std::log(sigma / s) / 4;
  Numbers basis;
  for (const bool cosine : {false, true})
    for (const double wave : {1, 2, 4, 8}) {
      const double phase = std::numbers::pi / 4 * wave * c;
      basis.push_back(cosine ? std::cos(phase) : std::sin(phase));
    }
  Numbers hidden = dense(p.at("level_weight"), basis, p.at("level_bias"));
  const Numbers embedding = p.at("label_embedding"), offsets = p.at("label_offset");
  for (size_t k = 0; k < hidden.size(); ++k)
    hidden[k] = silu(hidden[k] + embedding[static_cast<size_t>(label + 1) * hidden.size() + k]);
  Numbers features = dense(p.at("feature_weight"), hidden, p.at("feature_bias"));
  for (double& feature : features) feature = silu(feature);

  Numbers u(x.size());
  double square = 0;
  for (size_t j = 0; j < x.size(); ++j) {
    const double v = x[j] - mean[j];
    square += v * v;
    u[j] = v / std::sqrt(total);
  }
  double energy = square / (2 * total) - s / sigma * network(u, features);
  for (int k = 0; k < 4; ++k) energy += offsets[static_cast<size_t>(4 * (label + 1) + k)] * std::pow(c, k);
  return energy;
}

/// Numbers that are no special ones: a mean, a scale and offsets, as after a training.
inline void make_general(ModelProbe& probe) {
  Parameters p(probe.model());
  p.write("data_mean", some_numbers(p.array("data_mean").size(), 61));
  p.write("data_scale", {0.7});
  p.write("label_offset", some_numbers(p.array("label_offset").size(), 62));
  std::vector<Numbers> nudge;
  for (const ModelParameter& each : p.arrays()) nudge.push_back(some_numbers(each.size(), 63 + nudge.size()));
  p.move(nudge, 0.1);
  probe.model().parameters_changed();
}

/// |sum of direction . what parameter_gradient adds - central difference of (sum cotangent E + tangent . dE/dx)|,
/// relative to 1 + the latter, for one direction in which all parameters move.
inline double parameter_gradient_error(ModelProbe& probe, const std::vector<Numbers>& inputs, const Numbers& cotangent,
                                       const std::vector<Numbers>& tangent) {
  Parameters p(probe.model());
  std::vector<Numbers> direction;
  for (const ModelParameter& each : p.arrays()) direction.push_back(some_numbers(each.size(), 81 + direction.size()));
  const auto scalar = [&] {
    probe.model().parameters_changed();
    const auto found = probe.evaluate(inputs);
    double sum = 0;
    for (size_t b = 0; b < cotangent.size(); ++b) sum += cotangent[b] * found.energy[b];
    for (size_t i = 0; i < tangent.size(); ++i)
      for (size_t k = 0; k < tangent[i].size(); ++k) sum += tangent[i][k] * found.gradient[i][k];
    return sum;
  };
  const auto sums = probe.parameter_gradient(inputs, cotangent, tangent);
  if (!sums) return INFINITY;
  double along = 0;
  for (size_t q = 0; q < sums->size(); ++q)
    for (size_t k = 0; k < (*sums)[q].size() && p.arrays()[q].trainable; ++k) along += direction[q][k] * (*sums)[q][k];
  const double step = 1e-5;
  p.move(direction, step);
  const double above = scalar();
  p.move(direction, -2 * step);
  const double below = scalar();
  p.move(direction, step);
  probe.model().parameters_changed();
  const double slope = (above - below) / (2 * step);
  return std::abs(along - slope) / (1 + std::abs(slope));
}

/// The bits of a row depend neither on the others nor on its place, in a batch of `rows` rows with a noise and three
/// labels.
inline void expect_rows_alone(const ModelProbe& probe, int64_t rows) {
  const auto reversed = [rows](Numbers numbers) {
    const int64_t n = static_cast<int64_t>(numbers.size()) / rows;
    for (int64_t b = 0; b < rows / 2; ++b)
      std::swap_ranges(numbers.begin() + b * n, numbers.begin() + (b + 1) * n, numbers.end() - (b + 1) * n);
    return numbers;
  };
  const Numbers x = some_numbers(rows * probe.model().setup().slots[0].size(), 8);
  Numbers noise = some_numbers(rows, 9), label;
  for (double& each : noise) each = 1.25 + each;
  for (int64_t b = 0; b < rows; ++b) label.push_back(static_cast<double>(b % 4 - 1));
  const auto there = probe.evaluate({x, noise, label});
  const auto back = probe.evaluate({reversed(x), reversed(noise), reversed(label)});
  EXPECT_EQ(reversed(back.energy), there.energy) << rows;
  EXPECT_EQ(reversed(back.gradient[0]), there.gradient[0]) << rows;
  EXPECT_EQ(reversed(back.gradient[1]), there.gradient[1]) << rows;
}

}  // namespace potluck::test
