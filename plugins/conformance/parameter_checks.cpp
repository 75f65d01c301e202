// SPDX-License-Identifier: Apache-2.0
// What learning asks of a model.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "core/backend/thread_pool.h"
#include "plugins/conformance/checks.h"
#include "plugins/conformance/child.h"
#include "plugins/conformance/difference.h"
#include "plugins/conformance/learner.h"

namespace potluck::conformance {

namespace {

constexpr const char* kNoPoints = "no test point has a finite energy. Give --support input=least:most";
constexpr const char* kSums = "sum[p] += sum_b cotangent[b] dE_b/dp + sum_b d/dp (tangent_b . dE_b/dx)";
constexpr const char* kUnknownCotangent = "parameter_gradient() must know cotangents, got POTLUCK_UNSUPPORTED";

/// Why there is no learner to check; empty text of a passed finding: there is one.
std::optional<Finding> no_learner(const Subject& subject) {
  const potluck_model_kind& table = *subject.kind().table;
  if (table.parameters == nullptr && table.parameter_gradient != nullptr)
    return failed("parameter_gradient() is there, and parameters() is not", "Provide both, or neither");
  if (table.parameters == nullptr || !Learner(subject, subject.best_precision()).learns())
    return not_applicable("the model has no trainable parameters");
  if (table.parameter_gradient == nullptr)
    return failed("parameters() is there, and parameter_gradient() is not", "Provide both, or neither");
  return std::nullopt;
}

std::vector<Precision> precisions(const Subject& subject) {
  std::vector<Precision> all = {Precision::kFloat32};
  if (subject.can(POTLUCK_CAN_FLOAT64)) all.push_back(Precision::kFloat64);
  return all;
}

const char* name_of_type(Precision precision) { return precision == Precision::kFloat32 ? "float32" : "float64"; }

/// What is asked of one learner: all that it can.
std::vector<Sought> all_sought(const Learner& learner, const Lesson& lesson) {
  std::vector<Sought> all = {{true, false}};
  if (learner.gradient(part_of(learner.model(), lesson, 0, 1), {false, true})) {
    all.push_back({false, true});
    all.push_back({true, true});
  }
  return all;
}

// ---------------------------------------------------------------------------------------------- against differences

/// The scalar whose slopes are looked for, sum of cotangent E, plus tangent . dE/dx, and the sum of its magnitudes.
struct Scalar {
  double value = 0, magnitude = 0;
  void add(double term) { value += term, magnitude += std::abs(term); }
};

Scalar scalar_of(const Learner& learner, const Lesson& lesson, Sought sought) {
  const Evaluation found = evaluate(learner.model(), lesson.batch);
  for (const double energy : found.energy)
    if (std::isnan(energy) || energy == -INFINITY)
      throw FailedCheck(failed(fmt::format("with a number of a parameter moved by less than 0.04, an energy must be a "
                                           "number or +inf, got {}",
                                           energy),
                               "The host may write any finite number: keep what must be positive as its logarithm"));
  Scalar scalar;
  for (size_t b = 0; b < found.energy.size() && sought.cotangent; ++b)
    scalar.add(lesson.cotangent[b] * found.energy[b]);
  for (size_t i = 0; i < found.gradient.size() && sought.tangent; ++i)
    for (size_t k = 0; k < found.gradient[i].size(); ++k)
      scalar.add(lesson.direction.values[i][k] * found.gradient[i][k]);
  return scalar;
}

/// A slope, and how far from the truth it can be.
struct DifferencedSlope {
  double value = 0, bound = 0;
};

/// The slope of the scalar along one number of a parameter, by central differences of `width` and twice that.
DifferencedSlope differenced(Learner& learner, const Lesson& lesson, Sought sought, size_t p, int64_t at, double width,
                             double epsilon) {
  const ModelParameter& parameter = learner.parameters()[p];
  const double value = number_of(parameter, at);
  double magnitude = 0;
  const auto slope = [&](double h) {
    learner.move(p, at, value + h);
    const double above = number_of(parameter, at);
    const Scalar up = scalar_of(learner, lesson, sought);
    learner.move(p, at, value - h);
    const double below = number_of(parameter, at);
    const Scalar down = scalar_of(learner, lesson, sought);
    learner.move(p, at, value);
    magnitude = std::max({magnitude, up.magnitude, down.magnitude});
    return (up.value - down.value) / (above - below);
  };
  const double fine = slope(width), rough = slope(2 * width);
  // The error of `fine` is a third of its distance from `rough` (h^2 law).
  return {fine, std::abs(fine - rough) + 256 * epsilon * (1 + magnitude) / width};
}

/// Holds the gradient of a lesson against slopes. Of several widths one must agree: an energy may have a kink within
/// the others, as networks do. A wall, where the energy is infinite, may be within reach of all of them.
void compare_slopes(Learner& learner, const Lesson& lesson, Sought sought, const Sums& claimed,
                    WorstDifference& worst) {
  for (size_t p = 0; p < learner.parameters().size(); ++p) {
    const ModelParameter& parameter = learner.parameters()[p];
    if (!parameter.trainable) continue;
    const bool wide = parameter.type == POTLUCK_FLOAT64 && learner.model().setup().precision == Precision::kFloat64;
    const std::vector<double> widths = wide ? std::vector<double>{0x1p-10, 0x1p-15, 0x1p-20} : std::vector{0x1p-6};
    const int64_t stride = std::max<int64_t>(1, parameter.size() / 20);
    for (int64_t at = 0; at < parameter.size(); at += stride) {
      const double number = claimed[p][static_cast<size_t>(at)];
      WorstDifference best;
      bool walled = std::isfinite(number);
      for (const double width : widths) {
        const DifferencedSlope slope = differenced(learner, lesson, sought, p, at, width, wide ? 0x1p-52 : 0x1p-23);
        if (std::isfinite(number) && !std::isfinite(slope.bound)) continue;
        walled = false;
        WorstDifference one;
        one.take(apart(number, slope.value), slope.bound,
                 fmt::format("'{}', number {}, {}: {:.6g}, slope {:.6g}", parameter.name, at, sought.words(), number,
                             slope.value));
        if (best.seen() == 0 || one.within()) best = one;
        if (one.within()) break;
      }
      if (!walled) worst.take(best.difference(), best.bound(), best.where());
    }
  }
}

/// Every number of every parameter as it is now.
std::vector<std::vector<std::byte>> bytes_of(const Learner& learner) {
  std::vector<std::vector<std::byte>> all;
  for (const ModelParameter& parameter : learner.parameters()) {
    const auto* first = static_cast<const std::byte*>(parameter.data);
    all.emplace_back(first, first + parameter.bytes());
  }
  return all;
}

bool same_evaluation(const Evaluation& one, const Evaluation& other) {
  bool same = same_bits(one.energy, other.energy);
  for (size_t i = 0; i < one.gradient.size(); ++i) same = same && same_bits(one.gradient[i], other.gradient[i]);
  return same;
}

// ------------------------------------------------------------------------------------------------- between gradients

/// The largest magnitude that sums were made of, number by number added up over the parts.
class Magnitude {
 public:
  void add(const Sums& part) {
    sums_.resize(part.size());
    for (size_t p = 0; p < part.size(); ++p) {
      sums_[p].resize(part[p].size());
      for (size_t at = 0; at < part[p].size(); ++at) {
        sums_[p][at] += std::abs(part[p][at]);
        if (std::isfinite(sums_[p][at])) most_ = std::max(most_, sums_[p][at]);
      }
    }
  }
  double most() const { return most_; }

 private:
  Sums sums_;
  double most_ = 1;
};

/// A bound for what rounding can do to a gradient over some rows.
double rounding_of_sums(const Model& model, const Lesson& lesson, double magnitude) {
  const double scale = std::max(magnitude, scale_of(lesson.batch, evaluate(model, lesson.batch)));
  const double per_number = rounding(model, scale) / static_cast<double>(64 + 4 * all_numbers(model));
  return 4 * per_number * static_cast<double>(64 + 4 * (all_numbers(model) + lesson.batch.rows));
}

void compare_sums(const Learner& learner, const Sums& one, const Sums& other, double bound, const std::string& how,
                  WorstDifference& worst) {
  for (size_t p = 0; p < one.size(); ++p)
    for (size_t at = 0; at < one[p].size(); ++at)
      worst.take(apart(one[p][at], other[p][at]), bound,
                 fmt::format("'{}', number {}, {}: {:.6g} and {:.6g}", learner.parameters()[p].name, at, how,
                             one[p][at], other[p][at]));
}

/// The gradient of all rows, and its sum over parts of 1, 2, 3, 7, ... rows.
void compare_parts(const Learner& learner, const Lesson& lesson, Sought sought, WorstDifference& worst) {
  const Sums whole = *learner.gradient(lesson, sought);
  Sums sum(whole.size());
  for (size_t p = 0; p < whole.size(); ++p) sum[p].assign(whole[p].size(), 0);
  Magnitude magnitude;
  constexpr int64_t kParts[] = {1, 2, 3, 7, 8, 16, 31};
  for (int64_t first = 0, k = 0; first < lesson.batch.rows; ++k) {
    const int64_t rows = std::min(kParts[k % 7], lesson.batch.rows - first);
    const Sums part = *learner.gradient(part_of(learner.model(), lesson, first, rows), sought);
    magnitude.add(part);
    for (size_t p = 0; p < sum.size(); ++p)
      for (size_t at = 0; at < sum[p].size(); ++at) sum[p][at] += part[p][at];
    first += rows;
  }
  compare_sums(learner, whole, sum, rounding_of_sums(learner.model(), lesson, magnitude.most()),
               fmt::format("{}, {} rows", sought.words(), lesson.batch.rows), worst);
}

// ------------------------------------------------------------------------------------------------------------ memory

/// How many of `bytes` bytes from `data` on lie in memory that may be written.
size_t writable_bytes(const void* data, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(data);
  uintptr_t reached = begin;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from = 0, to = 0;
    char may_read = '-', may_write = '-';
    if (std::sscanf(line.c_str(), "%lx-%lx %c%c", &from, &to, &may_read, &may_write) != 4) continue;
    if (may_write == 'w' && from <= reached && reached < to) reached = to;  // they are in order
  }
  return std::min<size_t>(bytes, reached - begin);
}

/// Writes every byte of every parameter, and destroys the model. Where a shape is larger than its memory, that is
/// somebody else's, such as the heap's own notes.
Finding destroy_after_writing(const Subject& subject, Precision precision) {
  Learner learner(subject, precision);
  for (const ModelParameter& parameter : learner.parameters()) std::memset(parameter.data, 0xff, parameter.bytes());
  return passed("");
}

}  // namespace

Finding check_parameter_memory(const Subject& subject) {
  if (const auto none = no_learner(subject)) return *none;
  for (const Precision precision : precisions(subject)) {
    const Learner learner(subject, precision);
    for (const ModelParameter& parameter : learner.parameters()) {
      const size_t there = writable_bytes(parameter.data, parameter.bytes());
      if (there == parameter.bytes()) continue;
      return failed(fmt::format("parameter '{}' [{}] must have {} bytes that can be written, got {}", parameter.name,
                                fmt::join(parameter.shape, ", "), parameter.bytes(), there),
                    "Its shape is that of its memory, which is not constant");
    }
    for (const int64_t rows : {int64_t{1}, int64_t{37}, int64_t{256}}) {
      const Lesson lesson = learner.lesson(rows, 100);
      if (lesson.batch.rows == 0) return not_applicable(kNoPoints);
      for (const Sought sought : {Sought{true, false}, Sought{false, true}, Sought{true, true}})
        learner.gradient(lesson, sought, 0.5);
    }
    const Finding destroyed =
        run_in_child([&] { return destroy_after_writing(subject, precision); }, subject.patience());
    if (destroyed.outcome == CheckOutcome::kFailed)
      return failed(fmt::format("a model whose parameters have been written must be destroyed, got: {} ({})",
                                destroyed.text, name_of_type(precision)),
                    "The shape of a parameter must be that of its memory: what lies behind is not the model's");
  }
  return passed("sums, inputs and workspace in calls of 1, 37 and 256 rows; every byte of the parameters");
}

Finding check_parameter_gradient(const Subject& subject) {
  if (const auto none = no_learner(subject)) return *none;
  Learner learner(subject, subject.best_precision());
  // In float32 steps are wide, and kinks within them as many as there are rows.
  const Lesson lesson = learner.lesson(subject.best_precision() == Precision::kFloat64 ? 37 : 5, 100);
  if (lesson.batch.rows == 0) return not_applicable(kNoPoints);
  const Evaluation before = evaluate(learner.model(), lesson.batch);
  const auto values = bytes_of(learner);

  WorstDifference worst;
  bool tangents = true;
  for (const Sought sought : {Sought{true, false}, Sought{false, true}, Sought{true, true}}) {
    if (sought.tangent && !tangents) continue;
    const auto claimed = learner.gradient(lesson, sought, 0.5);
    if (!claimed && !sought.tangent) return failed(kUnknownCotangent, kSums);
    if (claimed)
      compare_slopes(learner, lesson, sought, *claimed, worst);
    else
      tangents = false;
  }
  if (worst.seen() == 0) return not_applicable("every slope is too near a hard wall. Give --support input=least:most");
  if (!worst.within()) {
    return failed(fmt::format("a parameter's gradient is {:.3g} away from central differences, bound {:.3g} ({})",
                              worst.difference(), worst.bound(), worst.where()),
                  kSums);
  }
  if (!same_evaluation(before, evaluate(learner.model(), lesson.batch)) || bytes_of(learner) != values)
    return failed("with its parameters written back, energies and gradients must be as before, got others",
                  "Compute what depends on parameters in parameters_changed(), from the parameters alone");
  return passed(fmt::format("{} slopes, worst error {:.3g}, bound {:.3g}{}", worst.seen(), worst.difference(),
                            worst.bound(), tangents ? "" : "; tangents are not supported"));
}

Finding check_parameter_gradient_in_parts(const Subject& subject) {
  if (const auto none = no_learner(subject)) return *none;
  WorstDifference worst;
  for (const Precision precision : precisions(subject)) {
    const Learner learner(subject, precision);
    const Lesson lesson = learner.lesson(256, 102);
    if (lesson.batch.rows == 0) return not_applicable(kNoPoints);
    if (!learner.gradient(lesson, {true, false})) return failed(kUnknownCotangent, kSums);
    for (const Sought sought : all_sought(learner, lesson)) compare_parts(learner, lesson, sought, worst);
  }
  if (!worst.within())
    return failed(fmt::format("the gradient of many rows must be the sum of those of its rows, got {:.3g} away, bound "
                              "{:.3g} ({})",
                              worst.difference(), worst.bound(), worst.where()),
                  "A call has call->rows rows; each adds its own part, once");
  return passed(fmt::format("{} sums over 256 rows as in parts of 1 to 31, worst difference {:.3g}, bound {:.3g}",
                            worst.seen(), worst.difference(), worst.bound()));
}

Finding check_parameter_gradient_in_float32(const Subject& subject) {
  if (const auto none = no_learner(subject)) return *none;
  if (!subject.can(POTLUCK_CAN_FLOAT64)) return not_applicable("the model has float32 only");
  const Learner single(subject, Precision::kFloat32);
  Learner wide(subject, Precision::kFloat64);
  if (!wide.same_parameters(single))
    return failed("in float32 and float64 the parameters must have the same names and shapes, got others",
                  "One model in two precisions has one list of parameters");
  wide.copy(single);
  const Lesson lesson = wide.lesson(37, 104);
  if (lesson.batch.rows == 0) return not_applicable(kNoPoints);
  WorstDifference worst;
  for (const Sought sought : all_sought(wide, lesson)) {
    const auto rough = single.gradient(lesson, sought);
    const auto fine = wide.gradient(lesson, sought);
    if (!rough || !fine)
      return failed(fmt::format("in float32 and float64 parameter_gradient() must know the same, got "
                                "POTLUCK_UNSUPPORTED in one of them ({})",
                                sought.words()),
                    kSums);
    Magnitude magnitude;
    for (int64_t b = 0; b < lesson.batch.rows; ++b)
      magnitude.add(*wide.gradient(part_of(wide.model(), lesson, b, 1), sought));
    compare_sums(wide, *rough, *fine, rounding_of_sums(single.model(), lesson, magnitude.most()), sought.words(),
                 worst);
  }
  if (!worst.within())
    return failed(fmt::format("the gradient in float32 is {:.3g} away from that in float64, bound {:.3g} ({})",
                              worst.difference(), worst.bound(), worst.where()),
                  "Add up in double, and write float32 at the end");
  return passed(
      fmt::format("{} sums, worst difference {:.3g}, bound {:.3g}", worst.seen(), worst.difference(), worst.bound()));
}

Finding check_parameter_gradient_in_threads(const Subject& subject) {
  if (const auto none = no_learner(subject)) return *none;
  if (!subject.can(POTLUCK_THREAD_SAFE)) return not_applicable("POTLUCK_THREAD_SAFE is not claimed");
  ThreadPool pool(4);
  const auto threads = static_cast<size_t>(pool.workers());
  if (threads < 2)
    return not_applicable("this machine starts no second thread; limits are those of ulimit -u, or of a container");
  const Learner learner(subject, subject.best_precision());
  std::vector<Lesson> lessons;
  std::vector<Sums> alone;
  std::vector<double> bounds;
  Sought sought;
  for (size_t t = 0; t < threads; ++t) {
    lessons.push_back(learner.lesson(37, static_cast<uint32_t>(106 + 2 * t)));
    if (lessons.back().batch.rows == 0) return not_applicable(kNoPoints);
    sought = all_sought(learner, lessons[0]).back();
    const auto found = learner.gradient(lessons.back(), sought);
    if (!found) return failed(kUnknownCotangent, kSums);
    alone.push_back(*found);
    Magnitude magnitude;
    magnitude.add(*found);
    bounds.push_back(rounding_of_sums(learner.model(), lessons.back(), magnitude.most()));
  }
  using Clock = std::chrono::steady_clock;
  std::atomic<int64_t> seen = 0, others = 0;
  std::atomic<size_t> waiting = threads;
  const Clock::time_point begin = Clock::now(), latest = begin + subject.patience() / 3;
  pool.run(pool.workers(), [&](int64_t piece, int) {
    const auto t = static_cast<size_t>(piece);
    // All at once: no thread has ended its piece before each has one.
    for (--waiting; waiting > 0;) std::this_thread::yield();
    do {
      WorstDifference worst;
      try {
        compare_sums(learner, *learner.gradient(lessons[t], sought), alone[t], bounds[t], "", worst);
        others += worst.within() ? 0 : 1;
      } catch (const std::exception&) {
        ++others;
      }
      ++seen;
    } while ((seen < 3000 || Clock::now() - begin < std::chrono::milliseconds(500)) && Clock::now() < latest);
  });
  if (others > 0) {
    return failed(fmt::format("{} threads on one model must get the gradients of one, got others in {} of {} calls",
                              threads, others.load(), seen.load()),
                  "Do not claim POTLUCK_THREAD_SAFE, or keep scratch in the workspace and not in the model");
  }
  return passed(fmt::format("the same gradients in {} calls of 37 rows from {} threads", seen.load(), threads));
}

}  // namespace potluck::conformance
