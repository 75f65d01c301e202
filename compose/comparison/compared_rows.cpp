// SPDX-License-Identifier: Apache-2.0
#include "compose/comparison/compared_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <system_error>

#include "compose/file/array_file.h"
#include "compose/file/learn_data.h"
#include "compose/record/run_record.h"
#include "compose/text/keys.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "core/comparison/independent_draws.h"
#include "core/diagnostics/convergence.h"
#include "core/error.h"
#include "core/files/run/draws.h"
#include "core/files/run/watched_draws.h"
#include "core/learning/data/shuffle.h"
#include "core/random/philox.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// Draws of that many numbers are held in memory to find their effective sample size: 64 MB.
constexpr int64_t kMostWatched = int64_t{1} << 23;
constexpr int64_t kMostWatchedNumbers = 64;

bool is_run(const filesystem::path& path) {
  std::error_code ignored;
  return filesystem::is_directory(path, ignored) && filesystem::exists(path / "run.json", ignored);
}

/// The numbers of `count` rows that are compared, ascending.
std::vector<int64_t> chosen_of(int64_t count, const RowsChoice& choice, uint32_t side) {
  std::vector<int64_t> chosen(static_cast<size_t>(count));
  std::iota(chosen.begin(), chosen.end(), int64_t{0});
  if (count <= choice.most) return chosen;
  chosen = shuffled(
      count,
      {.seed = choice.seed, .variable = variable_key("comparison.rows"), .step = side, .purpose = Purpose::kShuffle});
  chosen.resize(static_cast<size_t>(choice.most));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

// ------------------------------------------------------------------------------------------------------------ files

/// What is read of a file, from its path or a map.
class FileReader {
 public:
  FileReader(std::string written, std::string what) : written_(std::move(written)), what_(std::move(what)) {
    source_.what = what_;
    source_.file_place = {what_, 0, 0};
  }

  ComparedRows read(const RowsChoice& choice, uint32_t side) {
    if (written_.starts_with("{"))
      read_map();
    else
      source_.written = written_;
    diagnostics_.throw_if_any();
    source_.path = filesystem::absolute(source_.written).lexically_normal().string();
    check_keys();
    diagnostics_.throw_if_any();
    source_.what = "rows";
    const std::optional<Array> array = load_rows(source_, diagnostics_);
    if (array && has_integers(*array) && !source_.has_scale)
      diagnostics_.add(source_.file_place, text_of_missing_scale(source_.written, *array));
    diagnostics_.throw_if_any();
    return rows_of(*array, choice, side);
  }

 private:
  void read_map() {
    const Yaml map = read_yaml(written_, what_, false, diagnostics_);
    if (!diagnostics_.empty()) return;
    for (const Yaml::Entry& entry : map.map) read_key(entry);
    if (diagnostics_.empty() && source_.written.empty())
      diagnostics_.add(source_.file_place,
                       fmt::format("must name a file, got '{}'. Write {{file: rows.npy}}", written_));
  }

  void read_key(const Yaml::Entry& entry) {
    const KeyTable& table = key_table(Section::kLearnData);
    const auto number = [&](const char* key, double& value) {
      value = read_number(entry.value, table.key(key), key, diagnostics_).value_or(value);
    };
    if (entry.key == "file" && entry.value.is_scalar()) {
      source_.written = entry.value.text;
    } else if (entry.key == "array" && entry.value.is_scalar()) {
      source_.array = entry.value.text;
    } else if (entry.key == "scale") {
      source_.has_scale = true;
      number("scale", source_.column.scale);
    } else if (entry.key == "shift") {
      number("shift", source_.column.shift);
    } else if (entry.key == "columns") {
      source_.csv.columns = read_texts(entry.value, "columns", diagnostics_).value_or(source_.csv.columns);
    } else if (entry.key == "header") {
      source_.csv.header = read_flag(entry.value, "header", diagnostics_);
    } else if (entry.key == "file" || entry.key == "array") {
      diagnostics_.add(source_.file_place, fmt::format("{} must be a name, got {}", entry.key, entry.value.describe()));
    } else {
      diagnostics_.add(source_.file_place,
                       fmt::format("unknown key '{}'. {}", entry.key,
                                   suggestion(entry.key, {"file", "array", "columns", "header", "scale", "shift"})));
    }
  }

  void check_keys() {
    const ArrayFormat format = array_format_of(source_.path);
    if (source_.array && format != ArrayFormat::kSafetensors)
      diagnostics_.add(source_.file_place,
                       fmt::format("array must stand with a safetensors file, got '{}'", source_.written));
    if ((!source_.csv.columns.empty() || source_.csv.header) && format != ArrayFormat::kCsv)
      diagnostics_.add(source_.file_place,
                       fmt::format("columns and header must stand with a CSV file, got '{}'", source_.written));
  }

  ComparedRows rows_of(const Array& array, const RowsChoice& choice, uint32_t side) const {
    ComparedRows found;
    found.written = written_;
    found.path = source_.path;
    found.array = source_.array.value_or("");
    found.shape.assign(array.shape.begin() + 1, array.shape.end());
    found.there = found.usable = array.shape[0];
    const int64_t size = count_of(found.shape);
    if (size < 1)
      throw SettingError(what_, fmt::format(": {} must have numbers in its rows, got rows {}", source_.written,
                                            shape_text(found.shape)));
    found.rows.size = size;
    for (const int64_t row : chosen_of(found.there, choice, side))
      for (int64_t i = 0; i < size; ++i) {
        const double number = array.at(row * size + i);
        if (!std::isfinite(number))
          throw SettingError(what_, fmt::format(": {} must hold finite numbers, got {} in row {}, number {}",
                                                source_.written, number, row, i));
        found.rows.values.push_back(number * source_.column.scale + source_.column.shift);
      }
    return found;
  }

  const std::string written_, what_;
  LearnedVariable source_;
  Diagnostics diagnostics_;
};

// ------------------------------------------------------------------------------------------------------------- runs

class RunReader {
 public:
  RunReader(std::string written, std::string what)
      : written_(std::move(written)),
        what_(std::move(what)),
        folder_(filesystem::absolute(written_).lexically_normal()) {}

  ComparedRows read(const RowsChoice& choice, uint32_t side) {
    found_.written = written_;
    found_.path = folder_;
    found_.run = read_record(folder_);
    check_kind();
    find_variable(choice.variable);
    find_draws();
    take_rows(choice, side);
    if (found_.run->verdict && found_.run->verdict->usable == "no")
      found_.warnings.push_back(fmt::format("the draws of {}: {}", written_, found_.run->verdict->text));
    return std::move(found_);
  }

 private:
  [[noreturn]] void refuse(const std::string& text) const {
    throw SettingError(what_, fmt::format(": {} {}", written_, text));
  }

  void check_kind() const {
    if (found_.run->annealing)
      refuse("must be a run of `potluck sample`, got an estimate of log Z, which keeps no draws");
    if (found_.run->training) refuse("must be a run of `potluck sample`, got a training, which keeps no draws");
  }

  /// Of the variable, and what else the draws show of the target.
  void find_variable(const std::string& asked) {
    const DrawsReader draws(folder_);
    const DrawsSchema& schema = draws.schema();
    std::vector<std::string> names;
    for (const RecordedVariable& one : schema.variables) names.push_back(one.name);
    for (const GivenVariable& one : schema.given)
      if (one.name == asked)
        throw SettingError("variable",
                           fmt::format(" must be one that {} draws, got '{}', all of which is given", written_, asked));
    if (asked.empty() && names.size() > 1)
      throw SettingError("variable", fmt::format(" must say which variable of {} is compared, got none. Known: {}",
                                                 written_, joined(names)));
    const auto at = asked.empty() ? names.begin() : std::find(names.begin(), names.end(), asked);
    if (at == names.end())
      throw SettingError(
          "variable",
          fmt::format(" must be one that {} draws, got '{}'. {}", written_, asked, suggestion(asked, names)),
          nearest(asked, names));
    variable_ = static_cast<size_t>(at - names.begin());
    const RecordedVariable& variable = schema.variables[variable_];
    if (variable.categories > 0)
      throw SettingError("variable", fmt::format(" must be of real numbers, got '{}', which has labels: distances of "
                                                 "labels mean nothing. Compare how often each is drawn",
                                                 variable.name));
    found_.variable = variable.name;
    found_.shape = variable.shape;
    found_.rows.size = variable.size();
    const bool confined = std::isfinite(variable.least) || std::isfinite(variable.most);
    if (names.size() > 1)
      found_.no_target = fmt::format("the run draws {} variables together, and the law of '{}' alone has no gradient",
                                     names.size(), variable.name);
    else if (confined)
      found_.no_target =
          fmt::format("'{}' has a support with ends, where the Stein identity does not hold", variable.name);
    else if (!variable.held.empty())
      found_.no_target = fmt::format("numbers of '{}' are given", variable.name);
  }

  /// Which chains count, how many draws they have, and how many of these count as independent.
  void find_draws() {
    end_ = find_end(folder_);
    if (end_.draws < 1) refuse("must be a run with draws, got one without. Draw it to its end first: potluck sample");
    for (size_t chain = 0; chain < end_.frozen.size(); ++chain)
      if (end_.frozen[chain] == 0) chains_.push_back(static_cast<int64_t>(chain));
    if (chains_.empty()) refuse("must have a chain that did not freeze, got none. Its draws are of no law");
    found_.chains = static_cast<int64_t>(chains_.size());
    found_.there = found_.chains * end_.draws;
    found_.effective = effective_size();
    of_a_chain_ =
        found_.effective ? independent_draws(end_.draws, static_cast<double>(found_.there) / *found_.effective) : 1;
    found_.usable = of_a_chain_ * found_.chains;
    if (static_cast<int64_t>(end_.frozen.size()) > found_.chains)
      found_.warnings.push_back(fmt::format("{} of {} chains of {} froze and are left out",
                                            end_.frozen.size() - chains_.size(), end_.frozen.size(), written_));
  }

  std::optional<double> effective_size() const {
    const int64_t most = std::clamp<int64_t>(kMostWatched / found_.there, 2, kMostWatchedNumbers + 1) - 1;
    const int64_t count = std::min(found_.rows.size, most), draws = end_.draws;
    // The energy, and behind it numbers of the variable, evenly spaced: [1 + count, chains, draws]
    std::vector<std::vector<double>> watched(static_cast<size_t>(1 + count),
                                             std::vector<double>(static_cast<size_t>(found_.there)));
    DrawsReader reader(folder_);
    int64_t t = 0;
    for (const Draw* draw = nullptr; t < draws && (draw = reader.next()) != nullptr; ++t)
      for (size_t c = 0; c < chains_.size(); ++c) {
        const size_t place = c * static_cast<size_t>(draws) + static_cast<size_t>(t);
        watched[0][place] = draw->energy[chains_[c]];
        for (int64_t i = 0; i < count; ++i)
          watched[static_cast<size_t>(1 + i)][place] =
              number_at(reader.schema(), variable_, draw->position[variable_], chains_[c] * found_.rows.size,
                        i * found_.rows.size / count);
      }
    double least = std::numeric_limits<double>::infinity();
    for (const std::vector<double>& values : watched) {
      const bool moves = std::any_of(values.begin(), values.end(), [&](double one) { return one != values.front(); });
      const double size = moves ? ess_bulk({values, found_.chains, draws}) : std::numeric_limits<double>::quiet_NaN();
      if (std::isfinite(size)) least = std::min(least, size);
    }
    return std::isfinite(least) ? std::optional(least) : std::nullopt;
  }

  /// Row r is draw number r mod (draws of a chain) of those of chain r / (draws of a chain), counted from the last.
  void take_rows(const RowsChoice& choice, uint32_t side) {
    const std::vector<int64_t> chosen = chosen_of(found_.usable, choice, side);
    std::vector<std::vector<size_t>> rows_at(static_cast<size_t>(end_.draws));  // places in `chosen`
    for (size_t r = 0; r < chosen.size(); ++r) {
      const int64_t back = chosen[r] % of_a_chain_ * end_.draws / of_a_chain_;
      rows_at[static_cast<size_t>(end_.draws - 1 - back)].push_back(r);
    }
    const auto size = static_cast<size_t>(found_.rows.size);
    found_.rows.values.resize(chosen.size() * size);
    DrawsReader reader(folder_);
    for (const std::vector<size_t>& rows : rows_at) {
      const Draw* draw = reader.next();
      if (draw == nullptr) refuse(fmt::format("must keep its draws while they are read, got fewer. {}", reader.lost()));
      for (const size_t r : rows) take_row(reader.schema(), *draw, chosen[r] / of_a_chain_, r * size);
    }
  }

  void take_row(const DrawsSchema& schema, const Draw& draw, int64_t chain, size_t to) {
    const int64_t first = chains_[static_cast<size_t>(chain)] * found_.rows.size;
    for (int64_t i = 0; i < found_.rows.size; ++i) {
      const double number = number_at(schema, variable_, draw.position[variable_], first, i);
      if (!std::isfinite(number))
        refuse(fmt::format("must hold finite numbers, got {} in chain {}, draw {}", number,
                           chains_[static_cast<size_t>(chain)], draw.index));
      found_.rows.values[to + static_cast<size_t>(i)] = number;
    }
  }

  const std::string written_, what_;
  const filesystem::path folder_;
  ComparedRows found_;
  size_t variable_ = 0;
  DrawsEnd end_;
  std::vector<int64_t> chains_;  ///< that count
  int64_t of_a_chain_ = 1;       ///< draws that count as independent
};

/// The shapes agree, but for a channel of grey pictures, or numbers in one axis.
bool fit(const std::vector<int64_t>& first, const std::vector<int64_t>& second) {
  const std::vector<int64_t> flat_first = {count_of(first)}, flat_second = {count_of(second)};
  return first == second || (flat_first == flat_second && (first == flat_first || second == flat_second)) ||
         same_but_for_a_channel(first, second, true) || same_but_for_a_channel(second, first, true);
}

}  // namespace

ComparedRows read_compared(const std::string& written, const std::string& what, const RowsChoice& choice,
                           uint32_t side) {
  ComparedRows found =
      is_run(written) ? RunReader(written, what).read(choice, side) : FileReader(written, what).read(choice, side);
  if (found.rows.count() < kLeastComparedRows)
    throw SettingError(what,
                       fmt::format(": {} must have at least {} rows{}, got {}. {}", written, kLeastComparedRows,
                                   found.run ? " that count as independent" : "", found.rows.count(),
                                   found.run ? "Draw more steps, or more chains" : "A few rows say nothing of a law"));
  return found;
}

void check_comparable(const ComparedRows& first, const ComparedRows& second) {
  std::error_code ignored;
  if (filesystem::equivalent(first.path, second.path, ignored) && first.array == second.array)
    throw SettingError("DATA", fmt::format(": {} must be other rows than RUN, got the same. Compare with data that "
                                           "were held out",
                                           second.written));
  if (!fit(first.shape, second.shape))
    throw SettingError("DATA", fmt::format(": {} must hold rows of the shape of {}, {}, got rows {}", second.written,
                                           first.written, shape_text(first.shape), shape_text(second.shape)));
}

}  // namespace potluck
