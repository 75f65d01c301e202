// SPDX-License-Identifier: Apache-2.0
// N(mean, exp(log_variance)) for every number, with its maximum likelihood in closed form and the slope of its log Z,
// and the mistakes that the conformance kit finds in them.
#include <cmath>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "potluck/model.hpp"

namespace {

using namespace potluck::plugin;

template <class Real>
class Fitter {
 public:
  static constexpr const char* name = ZOO_ID;
  static constexpr const char* summary = "independent normal numbers of one variance";
  static constexpr Input inputs[] = {continuous("x", "numbers")};

  explicit Fitter(const Setup& setup) : mean_(static_cast<size_t>(setup.size())) {}

  Facts facts() const { return {.least_energy = 0, .integrable = true, .bounded_on_boxes = true}; }

  double energy(const Row<Real>& row) const {
    const std::span<const Real> x = row.input();
    const std::span<Real> gradient = row.gradient();
    double energy = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double off = static_cast<double>(x[i]) - static_cast<double>(mean_[i]);
      energy += off * off / variance() / 2;
      if (!gradient.empty()) gradient[i] = static_cast<Real>(off / variance());
    }
    return energy;
  }

  std::optional<double> log_normaliser() const { return size() / 2 * std::log(2 * std::numbers::pi * variance()); }

  std::vector<Parameter> parameters() {
    return {{"mean", mean_.data(), {static_cast<int64_t>(mean_.size())}}, {"log_variance", &log_variance_, {}}};
  }
  void parameter_gradient(const ParameterCall<Real>& wanted) const {
    for (int64_t b = 0; b < wanted.call().rows(); ++b)
      for (size_t i = 0; i < mean_.size(); ++i) {
        const auto at = static_cast<int64_t>(i) + b * static_cast<int64_t>(mean_.size());
        const double off = static_cast<double>(wanted.call().input()[at]) - static_cast<double>(mean_[i]);
        const double c = wanted.cotangent() ? wanted.cotangent()[b] : 0;
        const double t = wanted.tangent() ? static_cast<double>(wanted.tangent()[at]) : 0;
        wanted.sum(0)[i] -= static_cast<Real>((c * off + t) / variance());
        wanted.sum(1)[0] -= static_cast<Real>(off * (c * off / 2 + t) / variance());
      }
  }

  std::optional<Statistics> statistics() const {
#ifdef ZOO_CALLED_EM
    return Statistics{2 + static_cast<int64_t>(mean_.size()), false};
#else
    return Statistics{2 + static_cast<int64_t>(mean_.size()), true};
#endif
  }
  void add_statistics(const Call<Real>& call, int64_t, std::span<double> sum) const {
    for (int64_t b = 0; b < call.rows(); ++b)
      for (size_t i = 0; i < mean_.size(); ++i) {
        const double off = static_cast<double>(call.input_row(0, b)[i]) - static_cast<double>(mean_[i]);
        sum[1] += off * off;
        sum[2 + i] += off;
      }
#ifdef ZOO_FORGETS_ROWS
    sum[0] = static_cast<double>(call.rows());
#else
    sum[0] += static_cast<double>(call.rows());
#endif
  }
  void fit([[maybe_unused]] int64_t round, std::span<const double> sum) {
    double squares = sum[1] / sum[0];
    for (size_t i = 0; i < mean_.size(); ++i) {
      const double moved = sum[2 + i] / sum[0];
      mean_[i] = static_cast<Real>(static_cast<double>(mean_[i]) + moved);
      squares -= moved * moved;
    }
    log_variance_ = static_cast<Real>(std::log(squares / size()));
#ifdef ZOO_WRONG_FIT
    log_variance_ += static_cast<Real>(0.01);
#endif
#ifdef ZOO_CALLED_EM
    log_variance_ += static_cast<Real>(0.001 * static_cast<double>(round));
#endif
  }

  bool log_normaliser_gradient(const ParameterCall<Real>& wanted) const {
    for (int64_t b = 0; b < wanted.call().rows(); ++b)
      wanted.sum(1)[0] += static_cast<Real>(wanted.cotangent()[b] * size() / 2);
#ifdef ZOO_WRONG_SLOPE
    wanted.sum(0)[0] += Real(0.01);
#endif
    return true;
  }

 private:
  double size() const { return static_cast<double>(mean_.size()); }
  double variance() const { return std::exp(static_cast<double>(log_variance_)); }

  std::vector<Real> mean_;
  Real log_variance_ = Real(0.5);
};

}  // namespace

POTLUCK_EXPORT_PLUGIN(ZOO_ID, "1.0.0", "Apache-2.0", "Potluck's tests", "a plugin of the zoo", Fitter);
