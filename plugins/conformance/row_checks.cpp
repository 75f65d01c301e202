// SPDX-License-Identifier: Apache-2.0
// A row is one chain: what stands in the other rows is none of its business.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <thread>

#include "core/backend/thread_pool.h"
#include "plugins/conformance/checks.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kRows = 37;

/// How far row `a` of `one` and row `b` of `other` are apart; 0 where all bits are equal.
double distance(const Evaluation& one, int64_t a, const Evaluation& other, int64_t b) {
  const auto between = [](double x, double y) {
    if (std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y)) return 0.0;
    const double apart = std::abs(x - y);
    return std::isnan(apart) ? static_cast<double>(INFINITY) : std::max(apart, 5e-324);
  };
  const auto at = [](const std::vector<double>& values, int64_t row, int64_t rows, int64_t j) {
    const int64_t size = static_cast<int64_t>(values.size()) / rows;
    return values[static_cast<size_t>(row * size + j)];
  };
  const auto rows_one = static_cast<int64_t>(one.energy.size()), rows_other = static_cast<int64_t>(other.energy.size());
  double worst = between(one.energy[static_cast<size_t>(a)], other.energy[static_cast<size_t>(b)]);
  for (size_t i = 0; i < one.gradient.size(); ++i)
    for (int64_t j = 0; j < static_cast<int64_t>(one.gradient[i].size()) / rows_one; ++j)
      worst = std::max(worst, between(at(one.gradient[i], a, rows_one, j), at(other.gradient[i], b, rows_other, j)));
  return worst;
}

std::string text_of_distance(double worst) {
  return worst == 0 ? "the same bits" : fmt::format("largest difference {:.3g}", worst);
}

}  // namespace

Finding check_rows_in_other_companies(const Subject& subject) {
  std::string text;
  std::vector<Precision> precisions = {Precision::kFloat32};
  if (subject.can(POTLUCK_CAN_FLOAT64)) precisions.push_back(Precision::kFloat64);
  for (const Precision precision : precisions) {
    const Model model = subject.create(precision);
    const Batch batch = subject.points(model, kRows, 8);
    const Evaluation found = evaluate(model, batch);
    std::vector<int64_t> order(kRows);
    for (int64_t b = 0; b < kRows; ++b)
      order[static_cast<size_t>(b)] = (b * 10 + 3) % kRows;  // 10 and 37: a permutation
    const Evaluation permuted = evaluate(model, rows_of(model, batch, order));
    double worst = 0;
    for (int64_t b = 0; b < kRows; ++b)
      worst = std::max(worst, distance(permuted, b, found, order[static_cast<size_t>(b)]));
    for (const int64_t row : {int64_t{0}, int64_t{20}, kRows - 1}) {
      const Evaluation alone = evaluate(model, repeated(model, batch, row, kRows));
      worst = std::max(worst, distance(alone, 5, found, row));
    }
    const bool claimed = model.can(POTLUCK_ROWS_ALONE);
    const double bound = claimed ? 0 : rounding(model, scale_of(batch, found));
    if (!(worst <= bound)) {
      return failed(fmt::format("a row among other rows differs by {:.3g}, {}", worst,
                                claimed ? "POTLUCK_ROWS_ALONE claims the same bits"
                                        : fmt::format("more than rounding can: bound {:.3g}", bound)),
                    claimed ? "Do not claim POTLUCK_ROWS_ALONE, or let no sum or scale run over rows"
                            : "Let no sum, scale or statistic run over rows: each is a chain of its own");
    }
    text = fmt::format("{} at {} rows{}", text_of_distance(worst), kRows,
                       claimed ? ", as POTLUCK_ROWS_ALONE claims" : fmt::format(", bound {:.3g}", bound));
  }
  return passed(text);
}

Finding check_batch_sizes(const Subject& subject) {
  std::string text;
  std::vector<Precision> precisions = {Precision::kFloat32};
  if (subject.can(POTLUCK_BATCH_INVARIANT) && subject.can(POTLUCK_CAN_FLOAT64))
    precisions.push_back(Precision::kFloat64);
  for (const Precision precision : precisions) {
    const Model model = subject.create(precision);
    const Batch batch = subject.points(model, kRows, 9);
    const Evaluation found = evaluate(model, batch);
    const bool claimed = model.can(POTLUCK_BATCH_INVARIANT);
    const double bound = claimed ? 0 : rounding(model, scale_of(batch, found));
    double worst = 0;
    // Each size begins elsewhere, so that rows come to stand in other places of other vectors.
    for (const int64_t rows : {1, 2, 3, 7, 8, 16, 31}) {
      std::vector<int64_t> some(static_cast<size_t>(rows));
      const int64_t first = (kRows - rows) / 2;
      std::iota(some.begin(), some.end(), first);
      const Evaluation part = evaluate(model, rows_of(model, batch, some));
      for (int64_t b = 0; b < rows; ++b) worst = std::max(worst, distance(part, b, found, first + b));
    }
    if (!(worst <= bound)) {
      return failed(
          fmt::format("rows in calls of 1 to 31 rows differ by {:.3g} from those in one of {}, {}", worst, kRows,
                      claimed ? "POTLUCK_BATCH_INVARIANT claims the same bits" : fmt::format("bound {:.3g}", bound)),
          claimed ? "Do not claim POTLUCK_BATCH_INVARIANT, or do the same arithmetic in the same order for every row"
                  : "A call may have any number of rows from 1 to most_rows");
    }
    text = fmt::format("{} in calls of 1 to 31 rows as in one of {}{}", text_of_distance(worst), kRows,
                       claimed ? ", as POTLUCK_BATCH_INVARIANT claims" : fmt::format(", bound {:.3g}", bound));
  }
  return passed(text);
}

namespace {

constexpr int kThreads = 4;

/// Rows, calls and time that the threads work: a race in one row of a thousand is then missed once in e^100 times, if
/// the calls overlap at all; a dear model is looked at for as long as its check may take.
constexpr int64_t kRowsToSee = 100'000;
constexpr std::chrono::milliseconds kLeastTime{500};

using Clock = std::chrono::steady_clock;

/// Rows of one call: many where they are cheap, so that most of the time is spent in the model.
int64_t rows_of_a_call(const Subject& subject, const Model& model) {
  const Batch batch = subject.points(model, kRows, 20);
  const Clock::time_point begin = Clock::now();
  evaluate(model, batch);
  return Clock::now() - begin < std::chrono::milliseconds(1) ? 16 * kRows : kRows;
}

}  // namespace

Finding check_threads(const Subject& subject) {
  if (!subject.can(POTLUCK_THREAD_SAFE)) return not_applicable("POTLUCK_THREAD_SAFE is not claimed");
  // Where the machine starts fewer threads than were asked for, the check is of those that there are.
  ThreadPool pool(kThreads);
  const auto threads = static_cast<size_t>(pool.workers());
  if (threads < 2)
    return not_applicable("this machine starts no second thread; limits are those of ulimit -u, or of a container");
  const Model model = subject.create();
  const int64_t rows = rows_of_a_call(subject, model);
  std::vector<Batch> batches;
  std::vector<Evaluation> alone;
  for (size_t t = 0; t < threads; ++t) {
    batches.push_back(subject.points(model, rows, static_cast<uint32_t>(20 + t)));
    alone.push_back(evaluate(model, batches.back()));
  }
  std::atomic<int64_t> seen = 0, others = 0;
  std::atomic<size_t> waiting = threads;
  const Clock::time_point begin = Clock::now(), latest = begin + subject.patience() / 3;
  pool.run(pool.workers(), [&](int64_t piece, int) {
    const auto t = static_cast<size_t>(piece);
    // All at once: no thread has ended its piece before each has one.
    for (--waiting; waiting > 0;) std::this_thread::yield();
    do {
      try {
        const Evaluation found = evaluate(model, batches[t]);
        for (int64_t b = 0; b < rows; ++b) others += distance(found, b, alone[t], b) != 0 ? 1 : 0;
      } catch (const Error&) {
        others += rows;
      }
      seen += rows;
    } while ((seen < kRowsToSee || Clock::now() - begin < kLeastTime) && Clock::now() < latest);
  });
  if (others > 0) {
    return failed(fmt::format("{} threads on one model must get the bits of one, got others in {} of {} rows", threads,
                              others.load(), seen.load()),
                  "Do not claim POTLUCK_THREAD_SAFE, or keep scratch in the workspace and not in the model");
  }
  return passed(fmt::format("the same bits in {} rows from {} threads", seen.load(), threads));
}

}  // namespace potluck::conformance
