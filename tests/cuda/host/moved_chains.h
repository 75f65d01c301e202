// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/chains/chains.h"
#include "tests/cuda/host/cliff_energy.h"

namespace potluck::testing {

inline constexpr Device kCpu{Device::Kind::kCpu, 0}, kCuda{Device::Kind::kCuda, 0};
inline constexpr int64_t kChains = 300;

struct Setting {
  std::string method;
  OptionWords words;
  CliffEnergy::Options energy;
  bool held = false, metric = false, ladder = false;
  bool held_y = false;  ///< whole
  int64_t rest = -1;
};

/// Chains of a setting on one device, and their method.
struct Moved {
  Moved(const Setting& setting, Device device)
      : energy([&] {
          CliffEnergy::Options options = setting.energy;
          options.device = device;
          return options;
        }()),
        method(make_method(setting.method, option_values(setting.method, setting.words))) {
    const int64_t n = setting.energy.n;
    target.energy = &energy;
    target.temperature = 0.8;
    target.held.resize(2);
    if (setting.held) {
      target.held[0].mask.assign(n, 0);
      target.held[0].mask[1] = 1;
      target.held[0].value.assign(n, 0.25);
    }
    if (setting.held_y) target.held[1] = {{1, 1, 1}, {0.5, 0.5, 0.5}};
    method->prepare(target);
    ChainsOptions options;
    options.chains = kChains;
    options.rest = setting.rest;
    const bool ladder = setting.ladder || method->replicas() > 1;
    options.ladder = ladder ? 4 : 1;
    options.seed = 11;
    options.threads = 1;
    options.needs = method->needs();
    chains = make_chains(target, options);
    std::vector<double> x(kChains * n), y(kChains * 3);
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.7 * static_cast<double>(i)) * 1.1;
    for (size_t i = 0; i < y.size(); ++i) y[i] = std::cos(0.3 * static_cast<double>(i)) * 2.01;
    const double* start[] = {x.data(), y.data()};
    chains->write(0, kChains, start);
    chains->evaluate();
    chains->freeze_failed(0);
    if (setting.metric) set_metric(1);
    if (ladder) chains->set_ladder({0.8, 1, 1.3, 1.9}, {1, 0.9, 1.2, 0.7});
    chains->begin(*method, 0);
  }

  /// A metric in x only.
  void set_metric(double factor) {
    std::vector<double> scale, centre;
    for (int64_t j = 0; j < energy.variables()[0].size(); ++j) {
      scale.push_back(factor * (0.6 + 0.1 * static_cast<double>(j % 7)));
      centre.push_back(0.05 * static_cast<double>(j % 3));
    }
    chains->set_metric({scale, {}});
    chains->set_centre({centre, {}});
  }

  void advance(Chains::Part part, StepRange steps) { chains->advance(*method, part, steps); }

  /// Cohort and rest apart, then together in blocks that are launched, captured and replayed.
  void advance_all() {
    advance(Chains::Part::kCohort, {1, 1});
    chains->take_cohort(reading);
    chains->read_cohort(positions);
    advance(Chains::Part::kRest, {1, 1});
    for (uint32_t first = 2; first < 14; first += 3) advance(Chains::Part::kAll, {first, 3});
    chains->read(state);
    chains->read_gradients(state);
  }

  CliffEnergy energy;
  Target target;
  std::unique_ptr<Method> method;
  std::unique_ptr<Chains> chains;
  ChainsState state;
  CohortReading reading;
  CohortPositions positions;
};

inline std::vector<double> numbers(const std::vector<std::byte>& bytes, Precision precision) {
  std::vector<double> values(bytes.size() / bytes_of(precision));
  for (size_t i = 0; i < values.size(); ++i) {
    if (precision == Precision::kFloat32) {
      float value;
      std::memcpy(&value, bytes.data() + 4 * i, 4);
      values[i] = static_cast<double>(value);
    } else {
      std::memcpy(&values[i], bytes.data() + 8 * i, 8);
    }
  }
  return values;
}

/// Numbers that differ by more than a share of their size; all where their counts do.
inline int64_t apart(const std::vector<double>& a, const std::vector<double>& b, double share) {
  if (a.size() != b.size()) return static_cast<int64_t>(a.size() + b.size());
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    count += !(std::fabs(a[i] - b[i]) <= share * (1 + std::fabs(a[i])));
  }
  return count;
}

/// Numbers in which two states differ. Positions, energies and gradients must agree to `share`, sums over rows too.
inline int64_t apart(const Moved& a, const Moved& b, double share) {
  const Precision precision = a.energy.precision();
  const double rounding = std::max(share, 1e-9);
  int64_t count = 0;
  for (size_t v = 0; v < 2; ++v) {
    count += apart(numbers(a.state.position[v], precision), numbers(b.state.position[v], precision), share);
    count += apart(numbers(a.state.gradient[v], precision), numbers(b.state.gradient[v], precision), share);
    count += apart(a.positions.position[v], b.positions.position[v], share);
    count += apart(a.positions.gradient[v], b.positions.gradient[v], share);
  }
  count += apart(a.state.energy, b.state.energy, share);
  count += apart(a.state.expert_energy, b.state.expert_energy, share);
  count += apart(a.state.acceptance, b.state.acceptance, rounding);
  count += apart(a.state.energy_error, b.state.energy_error, rounding);
  count += apart(a.state.clipped, b.state.clipped, rounding);
  // The CPU adds squares in the run's precision by the thousand.
  count += apart(a.state.gradient_square, b.state.gradient_square,
                 precision == Precision::kFloat32 ? std::max(share, 3e-6) : rounding);
  count += apart(a.state.energy_sums, b.state.energy_sums, rounding);
  count += a.state.reflected != b.state.reflected;
  count += apart(a.reading.acceptance, b.reading.acceptance, rounding);
  count += apart(a.reading.energy_error, b.reading.energy_error, rounding);
  count += apart(a.reading.trajectory_slope, b.reading.trajectory_slope, rounding);
  count += a.state.frozen != b.state.frozen;
  count += a.state.frozen_step != b.state.frozen_step;
  count += a.state.nan_proposals != b.state.nan_proposals;
  count += a.state.divergences != b.state.divergences;
  count += apart(a.state.swap_acceptance, b.state.swap_acceptance, rounding);
  count += apart(a.reading.swap_acceptance, b.reading.swap_acceptance, rounding);
  count += a.state.swap_attempts != b.state.swap_attempts;
  count += a.state.replica != b.state.replica;
  count += a.state.round_trips != b.state.round_trips;
  count += a.reading.swap_attempts != b.reading.swap_attempts;
  count += a.reading.frozen != b.reading.frozen;
  count += a.reading.nan_proposals != b.reading.nan_proposals;
  return count;
}

}  // namespace potluck::testing
