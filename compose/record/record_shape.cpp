// SPDX-License-Identifier: Apache-2.0
#include "compose/record/record_shape.h"

#include <type_traits>

#include "core/backend/row_sums.h"
#include "core/files/formats/json_input.h"
#include "core/files/formats/utf8_text.h"

namespace potluck {
namespace {

using Input = JsonInput<nlohmann::ordered_json>;

enum class Kind {
  kText,
  kFlag,
  kWhole,     ///< >= 0
  kPositive,  ///< a whole number >= 1
  kNumber,    ///< or null, which stands for infinities and NaN
  kFinite,    ///< a number
  kError,     ///< a number >= 0
  kAny
};

enum class Needed {
  kAlways,  ///< where what it stands in is there
  kAtEnd,   ///< in the record of a run that was closed, which has steps_done
  kNever
};

/// `path`: keys with dots between; `*` is every value of an object and `[]` every item of a list.
struct Rule {
  const char* path;
  Kind kind;
  Needed needed;
};

constexpr Rule kRules[] = {
    {"state", Kind::kText, Needed::kAlways},
    {"potluck", Kind::kText, Needed::kAlways},
    {"started", Kind::kText, Needed::kAlways},
    {"folder", Kind::kText, Needed::kAlways},
    {"folder_from_run", Kind::kText, Needed::kNever},
    {"file", Kind::kText, Needed::kAlways},
    {"file_text", Kind::kText, Needed::kNever},
    {"composition", Kind::kText, Needed::kAlways},
    {"device", Kind::kText, Needed::kAlways},
    {"command.[]", Kind::kText, Needed::kAlways},
    {"resumed.[].command.[]", Kind::kText, Needed::kNever},
    {"resumed.[].folder", Kind::kText, Needed::kNever},
    {"resumed.[].folder_from_run", Kind::kText, Needed::kNever},
    {"rank.rank", Kind::kWhole, Needed::kNever},
    {"rank.world", Kind::kPositive, Needed::kNever},
    {"method", Kind::kText, Needed::kNever},
    {"exact_method", Kind::kFlag, Needed::kNever},
    {"wanted_acceptance", Kind::kNumber, Needed::kNever},
    {"options.*", Kind::kAny, Needed::kNever},
    {"blocks.[].method", Kind::kText, Needed::kNever},
    {"annealing.*", Kind::kAny, Needed::kNever},
    {"training.objectives.[]", Kind::kText, Needed::kNever},
    {"training.experts.[]", Kind::kText, Needed::kNever},
    {"hard_walls", Kind::kFlag, Needed::kNever},
    {"chains", Kind::kPositive, Needed::kNever},
    {"superchain", Kind::kPositive, Needed::kNever},
    {"cooling.steps", Kind::kWhole, Needed::kAlways},
    {"anneal.*", Kind::kAny, Needed::kNever},
    {"warmup", Kind::kWhole, Needed::kAtEnd},
    {"steps", Kind::kWhole, Needed::kAtEnd},
    {"thin", Kind::kPositive, Needed::kAtEnd},
    {"seed", Kind::kWhole, Needed::kNever},
    {"temperature", Kind::kFinite, Needed::kNever},
    {"precision", Kind::kText, Needed::kNever},
    {"start", Kind::kText, Needed::kNever},
    {"pictures.[]", Kind::kText, Needed::kNever},
    {"experts.[]", Kind::kText, Needed::kAlways},
    {"warnings.[]", Kind::kText, Needed::kNever},
    {"notes.[]", Kind::kText, Needed::kAtEnd},
    {"variables.[].name", Kind::kText, Needed::kAlways},
    {"variables.[].shape.[]", Kind::kWhole, Needed::kAlways},
    {"variables.[].held", Kind::kWhole, Needed::kAlways},
    {"mixtures.experts", Kind::kWhole, Needed::kAlways},
    {"mixtures.operators.[].kind", Kind::kText, Needed::kAlways},
    {"mixtures.operators.[].of.[]", Kind::kWhole, Needed::kAlways},
    {"mixtures.operators.[].numbers.[]", Kind::kFinite, Needed::kNever},
    {"mixtures.operators.[].constant", Kind::kFinite, Needed::kNever},
    {"mixtures.operators.[].strength", Kind::kFinite, Needed::kNever},
    {"mixtures.operators.[].ceiling", Kind::kFinite, Needed::kNever},
    {"mixtures.operators.[].softness", Kind::kFinite, Needed::kNever},
    {"mixtures.mixtures.[].name", Kind::kText, Needed::kAlways},
    {"mixtures.mixtures.[].operator", Kind::kWhole, Needed::kAlways},
    {"mixtures.mixtures.[].branches.[].name", Kind::kText, Needed::kAlways},
    {"mixtures.mixtures.[].branches.[].weight", Kind::kFinite, Needed::kAlways},
    {"mixtures.mixtures.[].branches.[].log_z_error", Kind::kFinite, Needed::kAlways},
    {"mixtures.mixtures.[].inside.mixture", Kind::kWhole, Needed::kNever},
    {"mixtures.mixtures.[].inside.branch", Kind::kWhole, Needed::kNever},
    {"mixtures.mixtures.[].unjudged", Kind::kText, Needed::kNever},
    {"not_made.files.*", Kind::kText, Needed::kAlways},
    {"not_made.state", Kind::kText, Needed::kAlways},
    {"not_made.why_stopped", Kind::kText, Needed::kAlways},
    {"plugins.[].id", Kind::kText, Needed::kAlways},
    {"plugins.[].version", Kind::kText, Needed::kAlways},
    {"plugins.[].sha256", Kind::kText, Needed::kAlways},
    {"files.*", Kind::kText, Needed::kAlways},
    {"log_z.[].mixture", Kind::kText, Needed::kAlways},
    {"log_z.[].branch", Kind::kText, Needed::kAlways},
    {"log_z.[].value", Kind::kFinite, Needed::kAlways},
    {"log_z.[].standard_error", Kind::kError, Needed::kAlways},
    {"log_z.[].key", Kind::kText, Needed::kAlways},
    {"log_z.[].from", Kind::kText, Needed::kAlways},
    {"steps_done", Kind::kWhole, Needed::kNever},
    {"draws", Kind::kWhole, Needed::kAtEnd},
    {"seconds.*", Kind::kFinite, Needed::kAtEnd},
    {"seconds.sampling", Kind::kFinite, Needed::kAtEnd},
    {"exact_start", Kind::kFlag, Needed::kAtEnd},
    {"step_size", Kind::kFinite, Needed::kAtEnd},
    {"acceptance", Kind::kNumber, Needed::kAtEnd},
    {"rows_evaluated.warmup", Kind::kWhole, Needed::kAtEnd},
    {"rows_evaluated.sampling", Kind::kWhole, Needed::kAtEnd},
    {"divergences", Kind::kWhole, Needed::kAtEnd},
    {"nan_proposals", Kind::kWhole, Needed::kAtEnd},
    {"warmup_nan_proposals", Kind::kWhole, Needed::kAtEnd},
    {"start_energy", Kind::kNumber, Needed::kAtEnd},
    {"stopped_by.rhat", Kind::kFinite, Needed::kNever},
    {"stopped_by.ess", Kind::kFinite, Needed::kNever},
    {"stopped_by.mcse", Kind::kFinite, Needed::kNever},
    {"stopped_by.time", Kind::kFinite, Needed::kNever},
    {"frozen_count", Kind::kWhole, Needed::kAtEnd},
    {"frozen.[].chain", Kind::kWhole, Needed::kAtEnd},
    {"frozen.[].step", Kind::kWhole, Needed::kAtEnd},
    {"frozen.[].expert_energy.*", Kind::kAny, Needed::kAtEnd},
    {"frozen.[].not_finite.*", Kind::kText, Needed::kNever},
    {"virial.*.temperature", Kind::kNumber, Needed::kAtEnd},
    {"virial.*.standard_error", Kind::kNumber, Needed::kAtEnd},
    {"virial.*.chains", Kind::kWhole, Needed::kAtEnd},
    {"expert_energies.count", Kind::kFinite, Needed::kAlways},
    {"expert_energies.mean", Kind::kNumber, Needed::kAlways},
    {"expert_energies.variance", Kind::kNumber, Needed::kAlways},
    {"expert_energies.experts.[].name", Kind::kText, Needed::kAlways},
    {"expert_energies.experts.[].mean", Kind::kNumber, Needed::kAlways},
    {"expert_energies.experts.[].variance", Kind::kNumber, Needed::kAlways},
    {"expert_energies.experts.[].covariance", Kind::kNumber, Needed::kAlways},
    {"expert_energies.experts.[].share", Kind::kNumber, Needed::kAlways},
    {"swaps.temperature.[]", Kind::kFinite, Needed::kAlways},
    {"swaps.rate.[]", Kind::kNumber, Needed::kAlways},
    {"swaps.attempts.[]", Kind::kWhole, Needed::kAlways},
    {"swaps.round_trips_per_ladder_and_step", Kind::kNumber, Needed::kAlways},
    {"swaps.hottest_energy.ladders", Kind::kWhole, Needed::kAlways},
    {"swaps.hottest_energy.draws", Kind::kWhole, Needed::kAlways},
    {"swaps.hottest_energy.mean", Kind::kNumber, Needed::kAlways},
    {"swaps.hottest_energy.between", Kind::kNumber, Needed::kAlways},
    {"swaps.hottest_energy.within", Kind::kNumber, Needed::kAlways},
    {"swaps.hottest_energy.rhat", Kind::kNumber, Needed::kAlways},
};

/// Tells of a sum of rows what it is summed in.
template <class Number>
using NumberOf = Number;
constexpr RowSums<NumberOf> kNumbers;

/// What may be left out as a whole; what stands in it is then not needed either.
constexpr std::string_view kMayBeMissing[] = {"cooling",   "log_z", "rank",     "resumed", "expert_energies",
                                              "variables", "swaps", "mixtures", "not_made"};

bool may_be_missing(std::string_view key) {
  for (const std::string_view one : kMayBeMissing)
    if (one == key) return true;
  return false;
}

void check_value(const Input& value, Kind kind) {
  switch (kind) {
    case Kind::kText:
      value.text();
      return;
    case Kind::kFlag:
      value.flag();
      return;
    case Kind::kWhole:
      value.whole(0);
      return;
    case Kind::kPositive:
      value.whole(1);
      return;
    case Kind::kNumber:
      value.number_or(0);
      return;
    case Kind::kFinite:
      value.number();
      return;
    case Kind::kError:
      if (!(value.number() >= 0)) value.fail("a number >= 0");
      return;
    case Kind::kAny:
      return;
  }
}

/// @param outermost  `value` is the whole record
void check(const Input& value, std::string_view path, const Rule& rule, bool needed, bool outermost) {
  if (path.empty()) return check_value(value, rule.kind);
  const size_t dot = path.find('.');
  const std::string_view step = path.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  if (step == "[]") {
    for (const Input& one : value.items()) check(one, rest, rule, needed, false);
  } else if (step == "*") {
    for (const auto& [key, one] : value.entries()) check(one, rest, rule, needed, false);
  } else {
    const std::string key(step);
    if (!value.has(key.c_str()) && (!needed || (outermost && may_be_missing(step)))) {
      if (!value.value().is_object()) value.fail("an object");
      return;
    }
    check(value.at(key), rest, rule, needed, false);
  }
}

/// The sums of rows: counts, and means with what they are over. A record from before something was counted lacks it.
void check_sums(const Input& all) {
  const auto check_count = [&](const std::string& key) {
    if (all.has(key.c_str())) check_value(all.at(key), Kind::kWhole);
  };
  const auto check_mean = [&](const RowSum& about) {
    if (!all.has(about.key)) return;
    check_value(all.at(about.key).at(about.figure()), Kind::kNumber);
    check_value(all.at(about.key).at("count"), Kind::kFinite);
  };
  for_each_row_sum(
      [&](const RowSum& about, const auto& kind) {
        if (!about.key) return;
        if constexpr (std::is_integral_v<std::decay_t<decltype(kind)>>) {
          check_count(about.key);
          if (about.since == RowSum::Since::kStart) check_count(std::string("warmup_") + about.key);
        } else {
          check_mean(about);
        }
      },
      kNumbers);
}

/// Beside the kinds: what must agree.
void check_lengths(const Input& all) {
  const auto check_command = [](const Input& command) {
    if (command.value().empty()) command.fail("the words of a command, one at least");
  };
  check_command(all.at("command"));
  if (all.has("resumed"))
    for (const Input& one : all.at("resumed").items()) check_command(one.at("command"));
  if (all.has("rank") && all.at("rank").at("rank").whole() >= all.at("rank").at("world").whole())
    all.at("rank").at("rank").fail("below the number of ranks, rank.world");
  if (!all.has("swaps")) return;
  const Input swaps = all.at("swaps");
  const size_t pairs = swaps.at("rate").value().size();
  if (pairs == 0) swaps.at("rate").fail("rates of one pair of replicas at least");
  if (swaps.at("attempts").value().size() != pairs) swaps.at("attempts").fail("as many as swaps.rate");
  if (swaps.at("temperature").value().size() != pairs + 1) swaps.at("temperature").fail("one more than swaps.rate");
}

}  // namespace

nlohmann::ordered_json parse_record(std::string_view text, const std::string& file) {
  auto record = bytes_of_utf8_in(parse_json<nlohmann::ordered_json>(text, file));
  const Input all(record, file);
  const bool closed = all.has("steps_done");
  for (const Rule& rule : kRules) {
    const bool needed = rule.needed == Needed::kAlways || (rule.needed == Needed::kAtEnd && closed);
    check(all, rule.path, rule, needed, true);
  }
  check_sums(all);
  check_lengths(all);
  return record;
}

}  // namespace potluck
