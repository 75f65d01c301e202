// SPDX-License-Identifier: Apache-2.0
#include "tests/compose/small_learners.h"

#include <cmath>

namespace potluck::testing {

namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;

class Learner : public SmallModel {
 public:
  Learner(const std::vector<double>& mean, double precision) {
    parameters = {{"mean", {static_cast<int64_t>(mean.size())}, mean},
                  {"log_precision", {}, {std::log(precision)}},
                  {"wave", {2}, {0.8, 0.3}},
                  {"shift", {1}, {0.25}, false}};
  }

  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    if (beyond(x)) {
      gradient.assign(x.size(), std::nan(""));
      return INFINITY;
    }
    double energy = shift();
    for (size_t i = 0; i < x.size(); ++i) {
      const double off = x[i] - mean(i), wave = std::tanh(w() * x[i] + v());
      energy += 0.5 * precision() * off * off + 1 + wave;
      gradient[i] = precision() * off + w() * (1 - wave * wave);
    }
    return energy;
  }

  bool parameter_slopes(const std::vector<double>& x, double cotangent, const std::vector<double>& tangent,
                        std::vector<std::vector<double>>& sum) const override {
    if (!able || (!tangent.empty() && !second_order)) return false;
    for (size_t i = 0; i < x.size(); ++i) {
      const double t = tangent.empty() ? 0 : tangent[i];
      const double off = x[i] - mean(i), wave = std::tanh(w() * x[i] + v()), slope = 1 - wave * wave;
      const double curve = forgets_curve ? 0 : -2 * wave * slope;  // of tanh
      sum[0][i] += -precision() * (cotangent * off + t);
      sum[1][0] += precision() * off * (0.5 * cotangent * off + t);
      sum[2][0] += cotangent * x[i] * slope + t * (slope + w() * x[i] * curve);
      sum[2][1] += cotangent * slope + t * w() * curve;
    }
    if (beyond(x))
      for (std::vector<double>& one : sum) one.assign(one.size(), std::nan(""));
    return true;
  }

  bool able = true, second_order = true, forgets_curve = false;
  double wall = INFINITY;

 private:
  double mean(size_t i) const { return parameters[0].value[i]; }
  double precision() const { return std::exp(parameters[1].value[0]); }
  double w() const { return parameters[2].value[0]; }
  double v() const { return parameters[2].value[1]; }
  double shift() const { return parameters[3].value[0]; }
  bool beyond(const std::vector<double>& x) const {
    for (const double one : x)
      if (std::abs(one) > wall) return true;
    return false;
  }
};

Make learner_with(const std::function<void(Learner&)>& change) {
  return [change](const std::vector<int64_t>&, const std::vector<std::vector<double>>& values) {
    auto model = std::make_unique<Learner>(values[0], values[1][0]);
    change(*model);
    return std::unique_ptr<SmallModel>(std::move(model));
  };
}

class StretchedLearner : public SmallModel {
 public:
  explicit StretchedLearner(size_t parents) : parents_(parents) { parameters = {{"a", {}, {1}}, {"b", {}, {0.3}}}; }

  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    const double scale = std::exp(b() - a() * z(x));
    double energy = 0;
    for (size_t i = 0; i + parents_ < x.size(); ++i) {
      energy += 0.5 * scale * x[i] * x[i];
      gradient[i] = scale * x[i];
    }
    if (parents_ > 0) gradient.back() = -a() * energy;
    return energy;
  }

  bool log_z(const std::vector<double>& x, double& value, std::vector<double>& gradient) const override {
    const double n = static_cast<double>(x.size() - parents_);
    value = 0.5 * n * (kLogTwoPi - b() + a() * z(x));
    if (parents_ > 0) gradient.back() = 0.5 * n * a();
    return true;
  }

  bool parameter_slopes(const std::vector<double>& x, double cotangent, const std::vector<double>& tangent,
                        std::vector<std::vector<double>>& sum) const override {
    std::vector<double> gradient(x.size());
    const double e = energy(x, gradient);
    double along = 0;
    for (size_t i = 0; i < tangent.size(); ++i) along += tangent[i] * gradient[i];
    const double t = tangent.empty() || parents_ == 0 ? 0 : tangent.back();
    sum[0][0] += -z(x) * (cotangent * e + along) - t * e;
    sum[1][0] += cotangent * e + along;
    return true;
  }

 private:
  double a() const { return parameters[0].value[0]; }
  double b() const { return parameters[1].value[0]; }
  double z(const std::vector<double>& x) const { return parents_ > 0 ? x.back() : 0; }
  size_t parents_;
};

std::unique_ptr<SmallModel> stretched_of(const std::vector<int64_t>& sizes, const std::vector<std::vector<double>>&) {
  return std::make_unique<StretchedLearner>(static_cast<size_t>(sizes[1]));
}

}  // namespace

const ModelKind& learner() {
  static const auto kind = small_kind("learner", {"x"}, 2, learner_with([](Learner&) {}));
  return *kind;
}
const ModelKind& learner_alone() {
  static std::atomic<int> created{0};
  static const auto kind = small_kind("learner_alone", {"x"}, 2, learner_with([](Learner& model) {
                                        model.abilities &= ~static_cast<uint64_t>(POTLUCK_THREAD_SAFE);
                                        model.parameters[2].value[1] += 0.01 * created++;
                                      }));
  return *kind;
}
const ModelKind& learner_walled() {
  static const auto kind = small_kind("learner_walled", {"x"}, 2, learner_with([](Learner& model) {
                                        model.wall = 1;
                                        model.abilities |= POTLUCK_HARD_WALLS;
                                        model.abilities &= ~static_cast<uint64_t>(POTLUCK_BOUNDED_ON_BOXES);
                                      }));
  return *kind;
}
const ModelKind& learner_first_order() {
  static const auto kind =
      small_kind("learner_first_order", {"x"}, 2, learner_with([](Learner& model) { model.second_order = false; }));
  return *kind;
}
const ModelKind& learner_unable() {
  static const auto kind =
      small_kind("learner_unable", {"x"}, 2, learner_with([](Learner& model) { model.able = false; }));
  return *kind;
}
const ModelKind& learner_of_48() {
  static const auto kind =
      small_kind("learner_of_48", {"x"}, 2, learner_with([](Learner& model) { model.preferred_rows = 48; }));
  return *kind;
}
const ModelKind& learner_broken() {
  static const auto kind =
      small_kind("learner_broken", {"x"}, 2, learner_with([](Learner& model) { model.forgets_curve = true; }));
  return *kind;
}
const ModelKind& stretched_learner() {
  static const auto kind = small_kind("stretched_learner", {"x", "z"}, 0, stretched_of);
  return *kind;
}
const ModelKind& flexible_learner() {
  static const auto kind = small_kind("flexible_learner", {"x", "maybe"}, 0, stretched_of);
  return *kind;
}

}  // namespace potluck::testing
