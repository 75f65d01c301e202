// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/comparison_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/comparison/permutations.h"

namespace potluck::engine {
namespace {

using Json = nlohmann::ordered_json;

bool rejects(const Comparison::Measure& measure) { return measure.adjusted && *measure.adjusted <= kTestLevel; }

std::string called(const Comparison::Side& side) {
  return side.run ? "draws of " + side.written : "rows of " + side.written;
}

/// "the squared MMD is 3.2 times its level"
std::string accusation(const Comparison::Measure& measure) {
  if (measure.name == "classifier_accuracy")
    return fmt::format("a classifier tells {:.0f} % of them apart (by chance 50 %)", 100 * measure.value);
  if (*measure.level > 0)
    return fmt::format("the {} is {:.2g} times its level", measure.title, measure.value / *measure.level);
  return fmt::format("the {} is above its level", measure.title);
}

std::string on_the_sides(const Comparison& comparison) {
  std::vector<std::string> accusations;
  double least = 1, greatest = 0;
  int tests = 0;
  for (const Comparison::Measure& one : comparison.measures) {
    if (!is_between_sides(one) || !one.adjusted) continue;
    ++tests;
    least = std::min(least, *one.adjusted);
    if (!rejects(one)) continue;
    accusations.push_back(accusation(one));
    greatest = std::max(greatest, *one.adjusted);
  }
  const std::string subject = comparison.first.run ? "The draws" : "The first rows";
  const std::string other = comparison.second.run ? "those of the second run" : "the data";
  const std::string counts = fmt::format("{} {} against {} {}", comparison.first.rows, called(comparison.first),
                                         comparison.second.rows, called(comparison.second));
  if (accusations.empty())
    return fmt::format(
        "{} cannot be told apart from {}: none of {} tests rejects at 5 % (least p {:.2g} after Holm), with {}. "
        "That is no proof of one law: more rows see smaller differences.",
        subject, other, tests, least, counts);
  return fmt::format("{} differ from {}: {}. For these p is at most {:.2g} after Holm over {} tests, with {}.", subject,
                     other, fmt::join(accusations, ", "), greatest, tests, counts);
}

/// "The draws fit ...": what the Stein discrepancies say, where there are any.
std::string on_the_target(const Comparison& comparison) {
  const Comparison::Measure* draws = nullptr;
  const Comparison::Measure* data = nullptr;
  for (const Comparison::Measure& one : comparison.measures) {
    if (one.name == "stein_discrepancy_of_draws") draws = &one;
    if (one.name == "stein_discrepancy_of_data") data = &one;
  }
  if (draws == nullptr || data == nullptr) return "";
  const auto said = [](const Comparison::Measure& one) { return fmt::format("p {:.2g} after Holm", *one.adjusted); };
  const std::string other = comparison.second.run ? "those of the second run" : "the data";
  if (rejects(*draws) && rejects(*data))
    return fmt::format(" Neither the draws ({}) nor {} ({}) fit the run's target by its gradient.", said(*draws), other,
                       said(*data));
  if (rejects(*draws))
    return fmt::format(
        " The draws do not fit the run's own target by its gradient ({}), {} do ({}): the chains are at "
        "fault.",
        said(*draws), other, said(*data));
  if (rejects(*data))
    return fmt::format(
        " The draws fit the run's target by its gradient ({}), {} do not ({}): the target is not the law "
        "of {}.",
        said(*draws), other, said(*data), other);
  return fmt::format(" Both the draws ({}) and {} ({}) fit the run's target by its gradient.", said(*draws), other,
                     said(*data));
}

Json side_json(const Comparison::Side& side) {
  Json json = {{"name", side.written}, {"kind", side.run ? "run" : "file"}};
  if (side.run) {
    json["variable"] = side.variable;
    json["chains"] = side.chains;
    json["draws_of_all_chains"] = side.there;
    json["effective_sample_size"] = side.effective ? Json(*side.effective) : Json();
    json["independent_draws"] = side.usable;
  } else {
    json["rows_in_file"] = side.there;
  }
  json["rows"] = side.rows;
  return json;
}

Json measure_json(const Comparison::Measure& measure) {
  const auto or_null = [](const std::optional<double>& one) { return one ? Json(*one) : Json(); };
  Json json = {{"name", measure.name},    {"title", measure.title},
               {"value", measure.value},  {"level", or_null(measure.level)},
               {"p", or_null(measure.p)}, {"p_holm", or_null(measure.adjusted)}};
  if (!measure.note.empty()) json["note"] = measure.note;
  return json;
}

}  // namespace

bool is_between_sides(const Comparison::Measure& measure) { return !measure.name.starts_with("stein_"); }

std::string sentence_of(const Comparison& comparison) { return on_the_sides(comparison) + on_the_target(comparison); }

std::string json_of(const Comparison& comparison, const ComparisonOptions& options) {
  Json measures = Json::array(), missing = Json::array();
  for (const Comparison::Measure& one : comparison.measures) measures.push_back(measure_json(one));
  for (const Comparison::Missing& one : comparison.missing) missing.push_back({{"title", one.title}, {"why", one.why}});
  const Json json = {{"potluck", version()},
                     {"run", side_json(comparison.first)},
                     {"data", side_json(comparison.second)},
                     {"row_shape", comparison.shape},
                     {"permutations", options.permutations},
                     {"directions", options.directions},
                     {"seed", options.seed},
                     {"test_level", kTestLevel},
                     {"measures", measures},
                     {"not_measured", missing},
                     {"differs", comparison.differs},
                     {"sentence", comparison.sentence},
                     {"warnings", comparison.warnings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace potluck::engine
