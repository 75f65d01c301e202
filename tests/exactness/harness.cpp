// SPDX-License-Identifier: Apache-2.0
#include "tests/exactness/harness.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/random/philox.h"

namespace potluck::testing {

Walkers::Walkers(const Energy& energy, const Method& method, const std::vector<double>& start, uint32_t seed,
                 double temperature)
    : energy_(energy), method_(method) {
  const int64_t n = energy.variables()[0].size();
  const int64_t chains = static_cast<int64_t>(start.size()) / n;
  ChainsOptions options;
  options.chains = chains;
  options.seed = seed;
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.needs = method.needs();
  options.ladder = method.replicas();
  chains_ = make_chains(Target{&energy, {{}}, temperature}, options);
  const Ladder ladder = method.ladder();
  if (options.ladder > 1) chains_->set_ladder(ladder.temperature, ladder.step_factor);
  const double* position[] = {start.data()};
  chains_->write(0, chains, position);
  chains_->evaluate();
  chains_->freeze_failed(0);
  chains_->begin(method, 0);
}

void Walkers::move(int64_t steps) {
  chains_->advance(method_, Chains::Part::kAll, {step_, steps});
  step_ += static_cast<uint32_t>(steps);
}

const ChainsState& Walkers::state() {
  chains_->read(state_);
  return state_;
}

std::vector<double> Walkers::positions() {
  chains_->read(state_);
  const int64_t count = chains_->count() * energy_.variables()[0].size();
  std::vector<double> out(count);
  for (int64_t i = 0; i < count; ++i) {
    out[i] = energy_.precision() == Precision::kFloat32
                 ? double{reinterpret_cast<const float*>(state_.position[0].data())[i]}
                 : reinterpret_cast<const double*>(state_.position[0].data())[i];
  }
  return out;
}

double Walkers::acceptance() {
  chains_->read(state_);
  double sum = 0;
  for (const double one : state_.acceptance) sum += one;
  return sum / static_cast<double>(chains_->count());
}

void Walkers::visit_velocities(const std::function<void(double& velocity, int64_t element)>& use) {
  const Twin visitor(
      [&](Group& group, const Kernels&, uint32_t) {
        const Block& block = group.blocks.at(0);
        for (int64_t row = 0; row < group.chains; ++row) {
          for (int64_t j = 0; j < block.n; ++j) {
            const int64_t element = group.chain[row] * block.n + j;
            if (energy_.precision() == Precision::kFloat64) {
              use(static_cast<double*>(block.velocity)[row * block.n + j], element);
              continue;
            }
            float& stored = static_cast<float*>(block.velocity)[row * block.n + j];
            double value = stored;
            use(value, element);
            stored = static_cast<float>(value);
          }
        }
      },
      false);
  chains_->advance(visitor, Chains::Part::kAll, {0, 1});
}

std::vector<double> Walkers::velocities() {
  std::vector<double> out(chains_->count() * energy_.variables()[0].size());
  visit_velocities([&](double& velocity, int64_t element) { out[element] = velocity; });
  return out;
}

void Walkers::set_velocities(const std::vector<double>& velocity) {
  visit_velocities([&](double& one, int64_t element) { one = velocity[element]; });
}

std::unique_ptr<Method> named(const std::string& method_name, const OptionWords& words) {
  return make_method(method_name, option_values(method_name, words));
}

std::unique_ptr<Method> broken_mala(double step_size, const MalaFaults& faults) {
  const auto advance = [step_size, faults](Group& group, const Kernels& kernels, uint32_t step) {
    kernels.propose_langevin(group, step, step_size, std::sqrt(2 * step_size * group.temperature));
    group.evaluate_proposal();
    const Block& block = group.blocks.at(0);
    const int64_t n = block.n;
    const auto at = [](const void* array, int64_t i) { return static_cast<const double*>(array)[i]; };
    double summed = 0;
    for (int64_t row = 0; row < group.rows; ++row) {
      double ratio = 0;
      for (int64_t i = row * n; i < (row + 1) * n; ++i) {
        const double g = at(block.gradient, i), h = at(block.proposal_gradient, i);
        double sign = 1;
        const double raw = at(block.unfolded, i);
        element::fold(raw, block.least, block.most, sign);
        if (faults.folded_difference) sign = 1;
        const double y = faults.folded_difference ? at(block.proposal, i) : raw;
        ratio += (at(block.position, i) - y) * (g + sign * h) / 2 + step_size * (h * h - g * g) / 4;
      }
      group.log_ratio[row] =
          (group.energy[row] - group.proposal_energy[row] - faults.correction * ratio) / group.temperature;
      summed += group.log_ratio[row];
    }
    for (int64_t row = 0; row < group.rows; ++row) {
      const uint32_t chain = faults.one_uniform || faults.one_decision ? group.chain[0] : group.chain[row];
      const double u = uniform({group.seed, variable_key(""), chain, step, Purpose::kAcceptance});
      if (!(std::log(u) < (faults.one_decision ? summed : group.log_ratio[row]))) continue;
      group.energy[row] = group.proposal_energy[row];
      for (int64_t i = row * n; i < (row + 1) * n; ++i) {
        static_cast<double*>(block.position)[i] = at(block.proposal, i);
        static_cast<double*>(block.gradient)[i] = at(block.proposal_gradient, i);
      }
    }
  };
  return std::make_unique<Twin>(advance, true);
}

double z_mean(const std::vector<double>& values, double expected) {
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return (mean - expected) / std::sqrt(squares / n / n);
}

double z_variance(const std::vector<double>& values, double expected) {
  double mean = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  std::vector<double> squares;
  squares.reserve(values.size());
  for (const double v : values) squares.push_back((v - mean) * (v - mean));
  return z_mean(squares, expected);
}

double kolmogorov(std::vector<double> values, const std::function<double(double)>& cdf) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double f = cdf(values[i]);
    distance =
        std::max({distance, std::fabs(f - static_cast<double>(i) / n), std::fabs(f - static_cast<double>(i + 1) / n)});
  }
  return distance;
}

std::vector<double> column(const std::vector<double>& values, int64_t first, int64_t stride) {
  std::vector<double> out;
  for (size_t i = first; i < values.size(); i += stride) out.push_back(values[i]);
  return out;
}

}  // namespace potluck::testing
