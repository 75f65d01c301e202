// SPDX-License-Identifier: Apache-2.0
// A sound plugin with parameters and an optional input, and ways in which it can be wrong: each ZOO_... that may be
// defined is one of them (CMakeLists.txt).
//
//   E(x, noise) = sum_i q (x_i - m_i)^2 / 2 + depth (1 - cos(k x_i)),  q = e^s / (1 + noise^2), noise = 0 where left
//   out
//
// with the parameters mean m, log_precision s and frequency k, and the buffer depth.
#include <algorithm>
#include <cmath>
#include <thread>

#include "potluck/model.hpp"

using namespace potluck::plugin;

namespace {

template <class Real>
class Learner {
 public:
  static constexpr const char* name = ZOO_ID;
  static constexpr const char* summary = "a bowl with ripples that learns where it is";
  static constexpr Input inputs[] = {continuous("x", "numbers"),
                                     continuous("noise", "how far they are spread").parent().optional()};

  explicit Learner(const Setup& setup) : mean_(static_cast<size_t>(setup.size("x")), Real(0.5)) {
    if (setup.has_input("noise") && setup.size("noise") != 1)
      throw setup.input_error("noise", "must be one number, got " + std::to_string(setup.size("noise")));
    parameters_changed(nullptr);
  }

#ifdef ZOO_NO_FACTS
  Facts facts() const { throw Failure(POTLUCK_INTERNAL, "no facts today"); }
#else
  Facts facts() const { return {.least_energy = 0, .integrable = true, .bounded_on_boxes = true}; }
#endif

  double energy(const Row<Real>& row) const {
    const auto x = row.input();
    const double q = stiffness(row.input(1));
    double energy = offset_, squares = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double off = from_mean(x, i), phase = frequency() * static_cast<double>(x[i]);
      squares += off * off;
      energy += 0.5 * q * off * off + depth() * (1 - std::cos(phase));
      if (row.wants_gradient())
        row.gradient()[i] = static_cast<Real>(q * off + depth() * frequency() * std::sin(phase));
    }
#ifdef ZOO_WRONG_WITHOUT_NOISE
    if (row.input(1).empty() && row.wants_gradient()) row.gradient()[0] *= Real(1.01);
#endif
    if (row.wants_gradient(1)) row.gradient(1)[0] = static_cast<Real>(-q * squares * narrowing(row.input(1)));
    return energy;
  }

  bool gaussian_part(const Call<Real>& given, std::span<double> curvature, std::span<double> mean) const {
    const double q = stiffness(given.input(1) != nullptr ? given.input_row(1, 0) : std::span<const Real>());
    for (size_t j = 0; j < curvature.size(); ++j) {
      curvature[j] = q;
      mean[j] = static_cast<double>(mean_[j]);
    }
#ifdef ZOO_WRONG_CURVATURE
    curvature.back() *= 1.01;
#endif
    return true;
  }

#ifndef ZOO_NO_PARAMETERS
  std::vector<Parameter> parameters() {
    int64_t length = static_cast<int64_t>(mean_.size());
#ifdef ZOO_LONG_SHAPE
    length += 1;
#endif
#ifdef ZOO_TOO_LONG_SHAPE
    length = int64_t{1} << 45;
#endif
    return {{"mean", mean_.data(), {length}},
            {"log_precision", &log_precision_, {}},
            {"frequency", &frequency_, {1}},
            {"depth", &depth_, {}, false}};
  }
#endif

  void parameters_changed(void*) {
    precision_ = std::exp(static_cast<double>(log_precision_));
#ifdef ZOO_DRIFTS
    offset_ += 1e-13;
#endif
  }

  void parameter_gradient(const ParameterCall<Real>& call) const {
#ifdef ZOO_ADDS_AND_REFUSES
    if (call.has_tangent()) call.sum(1)[0] += Real(1);
    if (call.has_tangent()) throw Failure(POTLUCK_UNSUPPORTED, "");
#endif
#ifdef ZOO_FIRST_ORDER
    if (call.has_tangent()) throw Failure(POTLUCK_UNSUPPORTED, "");
#endif
#ifdef ZOO_BESIDE
    call.call().template workspace<double>()[0] = 1;  // of a workspace of 0 bytes
#endif
#ifdef ZOO_WRITES_COTANGENT
    if (call.cotangent() != nullptr) const_cast<double*>(call.cotangent())[0] = 0;
#endif
    std::vector<double> mean(mean_.size(), 0);
    double log_precision = 0, frequency = 0;
    int64_t rows = call.call().rows();
#ifdef ZOO_COUNTS_FORTY_ROWS
    rows = std::min<int64_t>(rows, 40);
#endif
    for (int64_t b = 0; b < rows; ++b) add_row(call, b, mean, log_precision, frequency);
#ifdef ZOO_MEAN_OF_ROWS
    log_precision /= static_cast<double>(rows);
#endif
#ifdef ZOO_NAN_SUM
    frequency = NAN;
#endif
#ifdef ZOO_INFINITE_SUM
    frequency = INFINITY;
#endif
#ifdef ZOO_WRONG_IN_FLOAT32
    if (sizeof(Real) == 4) frequency *= 1.01;
#endif
#ifdef ZOO_RACES
    // Kept in the model for a while, where other threads put theirs.
    scratch_ = log_precision;
    std::this_thread::yield();
    log_precision = scratch_;
#endif
    for (size_t i = 0; i < mean.size(); ++i) call.sum(0)[i] += static_cast<Real>(mean[i]);
    call.sum(1)[0] += static_cast<Real>(log_precision);
    call.sum(2)[0] += static_cast<Real>(frequency);
#ifdef ZOO_WRITES_BUFFERS
    call.sum(3)[0] += Real(1);
#endif
  }

 private:
  double depth() const { return static_cast<double>(depth_); }
  double frequency() const { return static_cast<double>(frequency_); }
  double from_mean(std::span<const Real> x, size_t i) const {
    return static_cast<double>(x[i]) - static_cast<double>(mean_[i]);
  }
  static double spread(std::span<const Real> noise) {
    return noise.empty() ? 1 : 1 + static_cast<double>(noise[0]) * static_cast<double>(noise[0]);
  }
  double stiffness(std::span<const Real> noise) const { return precision_ / spread(noise); }
  /// -d log(q) / d noise, halved
  static double narrowing(std::span<const Real> noise) {
    return noise.empty() ? 0 : static_cast<double>(noise[0]) / spread(noise);
  }

  void add_row(const ParameterCall<Real>& call, int64_t b, std::vector<double>& mean, double& log_precision,
               double& frequency_sum) const {
    const auto x = call.call().input_row(0, b);
    const std::span<const Real> noise = call.call().input(1) ? call.call().input_row(1, b) : std::span<const Real>();
    const double q = stiffness(noise), cotangent = call.cotangent() ? call.cotangent()[b] : 0;
    const double along_noise = call.tangent(1) ? static_cast<double>(call.tangent(1)[b]) * narrowing(noise) : 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double t =
          call.tangent(0) ? static_cast<double>(call.tangent(0)[b * call.call().size() + static_cast<int64_t>(i)]) : 0;
      const double off = from_mean(x, i), at = static_cast<double>(x[i]), phase = frequency() * at;
      mean[i] += q * (-cotangent * off - t + 2 * along_noise * off);
      log_precision += q * off * (0.5 * cotangent * off + t - along_noise * off);
      frequency_sum += depth() * (cotangent * at * std::sin(phase) + t * std::sin(phase));
#ifndef ZOO_WRONG_TANGENT
      frequency_sum += depth() * t * phase * std::cos(phase);
#endif
    }
  }

  std::vector<Real> mean_;
  Real log_precision_ = Real(0.25), frequency_ = Real(1.5), depth_ = Real(0.5);
  double precision_ = 1, offset_ = 0;
#ifdef ZOO_RACES
  mutable double scratch_ = 0;
#endif
};

}  // namespace

POTLUCK_EXPORT_PLUGIN(ZOO_ID, "1.0.0", "Apache-2.0", "Potluck's tests", "a plugin of the zoo", Learner);
