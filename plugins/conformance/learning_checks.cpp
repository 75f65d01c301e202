// SPDX-License-Identifier: Apache-2.0
// What learning and discrete moves ask of a model.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/floating_point.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kRows = 5;
constexpr unsigned char kBuffer = 0x3f;  ///< stands in the sums of buffers: numbers of about 1, to which adding shows

double get(const ModelParameter& array, int64_t at) {
  return array.type == POTLUCK_FLOAT64 ? static_cast<const double*>(array.data)[at]
                                       : static_cast<double>(static_cast<const float*>(array.data)[at]);
}

void set(const ModelParameter& array, int64_t at, double value) {
  if (array.type == POTLUCK_FLOAT64)
    static_cast<double*>(array.data)[at] = value;
  else
    static_cast<float*>(array.data)[at] = static_cast<float>(value);
}

std::vector<std::byte> bytes_of(const ModelParameter& array) {
  const auto* first = static_cast<const std::byte*>(array.data);
  return {first, first + array.bytes()};
}

/// What is asked of parameter_gradient.
struct Sought {
  bool cotangent = false, tangent = false;
  const char* words() const { return tangent ? (cotangent ? "cotangent and tangent" : "tangent") : "cotangent"; }
};

/// A model with parameters, at points that it has finite energies at, and the sums that it is asked for there.
class Learner {
 public:
  explicit Learner(const Subject& subject)
      : model_(subject.create()),
        parameters_(model_.parameters()),
        batch_(subject.finite_points(model_, kRows, 100)),
        direction_(subject.points(model_, batch_.rows, 101)) {
    for (const ModelParameter& parameter : parameters_) kept_.push_back(bytes_of(parameter));
    if (batch_.rows > 0) before_ = evaluate(model_, batch_);
  }

  const Model& model() const { return model_; }
  int64_t rows() const { return batch_.rows; }
  const std::vector<ModelParameter>& parameters() const { return parameters_; }

  /// The scalar whose slopes are looked for: sum of cotangent E, plus tangent . dE/dx.
  double scalar(Sought sought) const {
    const Evaluation found = evaluate(model_, batch_);
    double sum = 0;
    for (size_t b = 0; b < found.energy.size() && sought.cotangent; ++b) sum += kCotangent[b] * found.energy[b];
    for (size_t i = 0; i < found.gradient.size() && sought.tangent; ++i)
      for (size_t k = 0; k < found.gradient[i].size(); ++k) sum += direction_.values[i][k] * found.gradient[i][k];
    return sum;
  }

  /// Adds to sums that hold `start`; false where the model cannot.
  bool gradient(Sought sought, double start) {
    Arrays input(model_, batch_), tangent(model_, direction_);
    for (size_t i = 0; i < batch_.values.size(); ++i)
      if (model_.kind().inputs[i].categorical) tangent.pointers()[i] = nullptr;
    sums_.clear();
    std::vector<void*> pointers;
    for (const ModelParameter& parameter : parameters_) {
      sums_.emplace_back(parameter.bytes(), kBuffer);
      pointers.push_back(sums_.back().data());
      const ModelParameter sum = sum_of(sums_.size() - 1);
      for (int64_t at = 0; at < sum.size() && sum.trainable; ++at) set(sum, at, start);
    }
    GuardedBytes workspace(model_.workspace_bytes(batch_.rows));
    const potluck_call call = {sizeof call, batch_.rows, input.pointers(), nullptr, nullptr, nullptr,
                               0,           1,           workspace.data(), nullptr};
    const std::vector<double> cotangent(std::begin(kCotangent), std::end(kCotangent));
    return model_.parameter_gradient(call, sought.cotangent ? cotangent.data() : nullptr,
                                     sought.tangent ? tangent.pointers() : nullptr, pointers.data());
  }

  /// The sum of parameter `p` as the last gradient() left it.
  ModelParameter sum_of(size_t p) {
    ModelParameter sum = parameters_[p];
    sum.data = sums_[p].data();
    return sum;
  }
  bool guards_intact(size_t p) const { return sums_[p].guards_intact(); }

  void move(size_t p, int64_t at, double value) {
    set(parameters_[p], at, value);
    model_.parameters_changed();
  }

  /// Every value is what it was, and so is what the model makes of them.
  bool as_before() const {
    const Evaluation after = evaluate(model_, batch_);
    bool same = same_bits(before_.energy, after.energy);
    for (size_t i = 0; i < after.gradient.size(); ++i) same = same && same_bits(before_.gradient[i], after.gradient[i]);
    for (size_t p = 0; p < parameters_.size(); ++p) same = same && bytes_of(parameters_[p]) == kept_[p];
    return same;
  }

 private:
  static constexpr double kCotangent[kRows] = {0.5, -1, 0.25, 2, -0.125};

  Model model_;
  std::vector<ModelParameter> parameters_;
  Batch batch_, direction_;
  std::vector<std::vector<std::byte>> kept_;
  Evaluation before_;
  std::vector<GuardedBytes> sums_;
};

/// The slope that stands worst against its bound.
struct WorstSlope {
  double apart = 0, bound = 0;
  std::string where;
  int64_t seen = 0;

  void take(double apart_, double bound_, const std::string& where_) {
    ++seen;
    if (bound > 0 && apart_ * bound <= apart * bound_) return;
    apart = apart_;
    bound = bound_;
    where = where_;
  }
};

/// The slope of the learner's scalar along one number of a parameter, and how far from the truth it can be.
struct DifferencedSlope {
  double value = 0, bound = 0;
};

DifferencedSlope differenced(Learner& learner, Sought sought, size_t p, int64_t at, double claimed, double epsilon) {
  const ModelParameter& parameter = learner.parameters()[p];
  const double value = get(parameter, at);
  const double h = parameter.type == POTLUCK_FLOAT64 ? 0x1p-10 : 0x1p-6;
  const auto slope = [&](double width) {
    learner.move(p, at, value + width);
    const double above = get(parameter, at), up = learner.scalar(sought);
    learner.move(p, at, value - width);
    const double below = get(parameter, at), down = learner.scalar(sought);
    learner.move(p, at, value);
    return (up - down) / (above - below);
  };
  const double fine = slope(h), rough = slope(2 * h);
  // The error of `fine` is a third of its distance from `rough` (h^2 law).
  const double scale = 1 + std::abs(learner.scalar(sought)) + std::abs(claimed);
  return {fine, std::abs(fine - rough) + 256 * epsilon * scale / h};
}

/// Compares the sums of the last gradient() with slopes; what is wrong with one beyond its bound is in `worst`.
void compare_slopes(Learner& learner, Sought sought, double start, double best_epsilon, WorstSlope& worst) {
  for (size_t p = 0; p < learner.parameters().size(); ++p) {
    const ModelParameter& parameter = learner.parameters()[p];
    if (!parameter.trainable) continue;
    const double epsilon = parameter.type == POTLUCK_FLOAT64 ? best_epsilon : 0x1p-23;
    const int64_t stride = std::max<int64_t>(1, parameter.size() / 20);
    for (int64_t at = 0; at < parameter.size(); at += stride) {
      const double claimed = get(learner.sum_of(p), at) - start;
      const DifferencedSlope slope = differenced(learner, sought, p, at, claimed, epsilon);
      const double apart = std::abs(claimed - slope.value);
      worst.take(std::isnan(apart) ? INFINITY : apart, slope.bound,
                 fmt::format("'{}', number {}, {}", parameter.name, at, sought.words()));
    }
  }
}

/// What was written where nothing may be; empty: nothing.
std::string overwritten(Learner& learner) {
  for (size_t p = 0; p < learner.parameters().size(); ++p) {
    const ModelParameter& parameter = learner.parameters()[p];
    if (!learner.guards_intact(p))
      return fmt::format("the gradient of parameter '{}' was written beyond its end", parameter.name);
    const std::vector<std::byte> sum = bytes_of(learner.sum_of(p));
    if (!parameter.trainable &&
        std::any_of(sum.begin(), sum.end(), [](std::byte b) { return b != std::byte{kBuffer}; }))
      return fmt::format("the gradient of buffer '{}' must be left alone, got another", parameter.name);
  }
  return "";
}

/// Calls the plugin where Model has no call of its own. Nothing is thrown by a C door that keeps its promises.
int category_energies(const Model& model, const potluck_call& call, int32_t i, double* energy) {
  char text[1024] = "";
  potluck_error error = {sizeof(potluck_error), text, sizeof text, 0, 0};
  const FloatingPointGuard guard;
  return model.kind().table->category_energies(model.plugin_model(), &call, i, energy, &error);
}

}  // namespace

Finding check_parameter_gradient(const Subject& subject) {
  if (subject.kind().table->parameters == nullptr) return not_applicable("the model has no trainable parameters");
  Learner learner(subject);
  const auto trainable = [](const ModelParameter& parameter) { return parameter.trainable; };
  if (std::none_of(learner.parameters().begin(), learner.parameters().end(), trainable))
    return not_applicable("the model has no trainable parameters");
  if (subject.kind().table->parameter_gradient == nullptr)
    return failed("parameters() is there, and parameter_gradient() is not", "Provide both, or neither");
  if (learner.rows() == 0) return not_applicable("no test point has a finite energy. Give --support input=least:most");

  const std::string sums = "sum[p] += sum_b cotangent[b] dE_b/dp + sum_b d/dp (tangent_b . dE_b/dx)";
  const double epsilon = subject.best_precision() == Precision::kFloat64 ? 0x1p-52 : 0x1p-23;
  WorstSlope worst;
  bool tangents = true;
  for (const Sought sought : {Sought{true, false}, Sought{false, true}, Sought{true, true}}) {
    if (sought.tangent && !tangents) continue;
    constexpr double kStart = 0.5;
    if (!learner.gradient(sought, kStart)) {
      if (!sought.tangent) return failed("parameter_gradient() must know cotangents, got POTLUCK_UNSUPPORTED", sums);
      tangents = false;
      continue;
    }
    if (const std::string wrong = overwritten(learner); !wrong.empty())
      return failed(wrong, "It has as many numbers as the parameter; only sums of trainable ones are written");
    compare_slopes(learner, sought, kStart, epsilon, worst);
  }
  if (!(worst.apart <= worst.bound)) {
    return failed(fmt::format("a parameter's gradient is {:.3g} away from central differences, bound {:.3g} ({})",
                              worst.apart, worst.bound, worst.where),
                  sums);
  }
  if (!learner.as_before())
    return failed("with its parameters written back, energies and gradients must be as before, got others",
                  "Compute what depends on parameters in parameters_changed(), from the parameters alone");
  return passed(fmt::format("{} slopes, worst error {:.3g}, bound {:.3g}{}", worst.seen, worst.apart, worst.bound,
                            tangents ? "" : "; tangents are not supported"));
}

Finding check_category_energies(const Subject& subject) {
  if (subject.kind().table->category_energies == nullptr) return not_applicable("category_energies is not provided");
  const Model model = subject.create();
  const Batch batch = subject.points(model, kRows, 110);
  double worst = 0, bound = 1;
  int64_t compared = 0;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const int64_t categories = subject.slots()[i].categories, size = subject.slots()[i].size();
    if (categories == 0) continue;
    Arrays input(model, batch);
    GuardedBytes workspace(model.workspace_bytes(kRows));
    std::vector<double> found(static_cast<size_t>(kRows * size * categories), NAN);
    const potluck_call call = {sizeof call, kRows, input.pointers(), nullptr, nullptr, nullptr,
                               0,           1,     workspace.data(), nullptr};
    const int status = category_energies(model, call, static_cast<int32_t>(i), found.data());
    if (status == POTLUCK_UNSUPPORTED) continue;
    if (status != POTLUCK_OK)
      return failed(fmt::format("category_energies() must succeed, got status {}", status), "See potluck/plugin.h");
    for (int64_t j = 0; j < size; ++j) {
      for (int64_t k = 0; k < categories; ++k) {
        Batch moved = batch;
        for (int64_t b = 0; b < kRows; ++b) moved.values[i][static_cast<size_t>(b * size + j)] = static_cast<double>(k);
        const Evaluation exact = evaluate(model, moved);
        bound = std::max(bound, rounding(model, scale_of(moved, exact)));
        for (int64_t b = 0; b < kRows; ++b, ++compared) {
          const double apart = std::abs(found[static_cast<size_t>((b * size + j) * categories + k)] -
                                        exact.energy[static_cast<size_t>(b)]);
          worst = std::isnan(apart) ? static_cast<double>(INFINITY) : std::max(worst, apart);
        }
      }
    }
  }
  if (compared == 0) return not_applicable("no categorical input has category energies");
  if (!(worst <= bound)) {
    return failed(fmt::format("category energies differ from evaluate by {:.3g}, bound {:.3g}", worst, bound),
                  "energy[row, j, k] is E with label k at place j and all else as it stands");
  }
  return passed(fmt::format("{} energies, largest difference {:.3g}, bound {:.3g}", compared, worst, bound));
}

}  // namespace potluck::conformance
