// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/crossing_watch.h"

#include <algorithm>
#include <cmath>

#include "core/diagnostics/normal_score.h"

namespace potluck {

namespace {

constexpr int64_t kReadings = 40;      // of a window
constexpr int64_t kMostNumbers = 256;  // that are watched, spread over all
constexpr int64_t kLeastLadders = 4;   // to know the mean of a rung
constexpr size_t kLeastReplicas = 16;  // that were at the hottest rung
constexpr double kRemembered = 0.3;    // correlation of the first and the last quarter
constexpr double kSlowestDecay = 0.7;  // of a correlation from one quarter to three
constexpr double kMostGrowth = 1.25;   // of a distance, likewise

}  // namespace

CrossingWatch::CrossingWatch(int64_t replicas, int64_t steps) : replicas_(replicas), steps_(steps) {}

bool CrossingWatch::reads(int64_t step) const { return step % std::max<int64_t>(1, steps_ / kReadings) == 0; }

/// At most kMostNumbers of them, in proportion to the lengths of the variables.
void CrossingWatch::choose(const CohortPositions& positions) {
  const auto cohort = static_cast<int64_t>(lost_.size());
  int64_t all = 0;
  for (const std::vector<double>& one : positions.position) all += static_cast<int64_t>(one.size()) / cohort;
  const int64_t stride = std::max<int64_t>(1, (all + kMostNumbers - 1) / kMostNumbers);
  elements_.clear();
  numbers_ = 0;
  int64_t at = 0;
  for (const std::vector<double>& one : positions.position) {
    elements_.emplace_back();
    for (int64_t i = 0; i < static_cast<int64_t>(one.size()) / cohort; ++i, ++at)
      if (at % stride == 0) elements_.back().push_back(i);
    numbers_ += elements_.back().size();
  }
  if (places_.size() != kQuarters * lost_.size() * numbers_) places_.assign(kQuarters * lost_.size() * numbers_, 0);
}

/// The row where the replica that is at `row` began.
size_t CrossingWatch::identity(int64_t row, const std::vector<uint32_t>& replica) const {
  return static_cast<size_t>(row / replicas_ * replicas_ + replica[static_cast<size_t>(row)] % replicas_);
}

void CrossingWatch::observe(int64_t step, const std::vector<uint32_t>& replica, const std::vector<uint8_t>& frozen,
                            const CohortPositions* positions) {
  const auto cohort = static_cast<int64_t>(frozen.size());
  if (lost_.size() != frozen.size()) {
    clear();
    lost_.assign(frozen.size(), 0);
    at_hottest_.assign(frozen.size(), 0);
  }
  const int64_t quarter = std::min(kQuarters - 1, step * kQuarters / steps_);
  for (int64_t row = 0; row < cohort; ++row) {
    const size_t of = identity(row, replica);
    lost_[of] |= frozen[static_cast<size_t>(row)];
    at_hottest_[of] += row % replicas_ == replicas_ - 1 && (quarter == 1 || quarter == 2);
  }
  if (!positions) return;
  if (elements_.empty()) choose(*positions);
  size_t number = 0;
  std::vector<double> value(frozen.size());
  for (size_t v = 0; v < elements_.size(); ++v) {
    const size_t n = positions->position[v].size() / frozen.size();
    for (const int64_t element : elements_[v]) {
      for (size_t row = 0; row < value.size(); ++row)
        value[row] = positions->position[v][row * n + static_cast<size_t>(element)];
      add_place(quarter, replica, value, number++);
    }
  }
}

void CrossingWatch::add_place(int64_t quarter, const std::vector<uint32_t>& replica, const std::vector<double>& value,
                              size_t number) {
  const auto replicas = static_cast<size_t>(replicas_), ladders = value.size() / replicas;
  for (size_t rung = 0; rung < replicas; ++rung) {
    double sum = 0, squares = 0, count = 0;
    const auto of = [&](size_t ladder) { return identity(static_cast<int64_t>(ladder * replicas + rung), replica); };
    for (size_t ladder = 0; ladder < ladders; ++ladder) {
      if (lost_[of(ladder)]) continue;
      sum += value[ladder * replicas + rung];
      ++count;
    }
    const double mean = sum / count;
    for (size_t ladder = 0; ladder < ladders; ++ladder) {
      const double apart = value[ladder * replicas + rung] - mean;
      if (!lost_[of(ladder)]) squares += apart * apart;
    }
    if (!(squares > 0) || !std::isfinite(squares)) continue;
    const double scale = std::sqrt(squares / count);
    for (size_t ladder = 0; ladder < ladders; ++ladder)
      if (!lost_[of(ladder)])
        places_[place(quarter, of(ladder), number)] += (value[ladder * replicas + rung] - mean) / scale;
  }
}

double CrossingWatch::correlation(const std::vector<size_t>& of, size_t number, int64_t a, int64_t b) const {
  const auto at = [&](int64_t quarter, size_t row) { return places_[place(quarter, row, number)]; };
  const auto count = static_cast<double>(of.size());
  double first = 0, second = 0;
  for (const size_t row : of) {
    first += at(a, row) / count;
    second += at(b, row) / count;
  }
  double both = 0, squares_first = 0, squares_second = 0;
  for (const size_t row : of) {
    const double one = at(a, row) - first, other = at(b, row) - second;
    both += one * other;
    squares_first += one * one;
    squares_second += other * other;
  }
  return both / std::sqrt(squares_first * squares_second);
}

double CrossingWatch::median_distance(const std::vector<size_t>& of, size_t number, int64_t a, int64_t b) const {
  std::vector<double> apart;
  for (const size_t row : of)
    apart.push_back(std::fabs(places_[place(b, row, number)] - places_[place(a, row, number)]));
  const auto middle = apart.begin() + static_cast<std::ptrdiff_t>(apart.size() / 2);
  std::nth_element(apart.begin(), middle, apart.end());
  return *middle;
}

/// Of a number that replicas remember: what they forget of it, and how far they go, does not depend on the time.
bool CrossingWatch::stays(const std::vector<size_t>& of, size_t number) const {
  double correlation_near = 0, distance_near = 0;
  for (int64_t quarter = 0; quarter + 1 < kQuarters; ++quarter) {
    correlation_near += correlation(of, number, quarter, quarter + 1) / (kQuarters - 1);
    distance_near += median_distance(of, number, quarter, quarter + 1) / (kQuarters - 1);
  }
  return correlation(of, number, 0, 3) > kSlowestDecay * correlation_near &&
         median_distance(of, number, 0, 3) < kMostGrowth * distance_near;
}

CrossingWatch::Found CrossingWatch::judge() const {
  const auto cohort = static_cast<int64_t>(lost_.size());
  if (numbers_ == 0 || cohort / replicas_ < kLeastLadders) return Found::kUnknown;
  std::vector<size_t> compared;
  for (size_t row = 0; row < lost_.size(); ++row)
    if (!lost_[row] && 4 * replicas_ * at_hottest_[row] >= steps_) compared.push_back(row);
  if (compared.size() < kLeastReplicas) return Found::kUnknown;
  bool remembered = false;
  for (size_t number = 0; number < numbers_; ++number) {
    const double far = correlation(compared, number, 0, 3);
    // Fisher 1921.
    const double score = std::atanh(std::min(far, 1.0)) * std::sqrt(static_cast<double>(compared.size()) - 3);
    if (!(far > kRemembered && joint_score(score, static_cast<int64_t>(numbers_)) > kDoubtfulScore)) continue;
    if (stays(compared, number)) return Found::kStay;
    remembered = true;
  }
  return remembered ? Found::kSlow : Found::kCross;
}

void CrossingWatch::clear() {
  lost_.clear();
  at_hottest_.clear();
  places_.clear();
  elements_.clear();
  numbers_ = 0;
}

void CrossingWatch::persist(StateArchive& archive) {
  archive(places_, lost_, at_hottest_);
  const size_t of_a_number = kQuarters * lost_.size();
  const auto some_place = [](double place) { return std::isfinite(place); };
  const auto some_steps = [&](int64_t steps) { return steps >= 0 && steps <= steps_; };
  archive.demand(lost_.size() == at_hottest_.size() && lost_.size() % static_cast<size_t>(replicas_) == 0 &&
                     (of_a_number == 0 ? places_.empty() : places_.size() % of_a_number == 0) &&
                     std::all_of(places_.begin(), places_.end(), some_place) &&
                     std::all_of(at_hottest_.begin(), at_hottest_.end(), some_steps),
                 "replicas that are watched");
  if (!archive.reading()) return;
  elements_.clear();
  numbers_ = of_a_number == 0 ? 0 : places_.size() / of_a_number;
}

}  // namespace potluck
