// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/csv.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string_view>

#include "core/error.h"
#include "core/files/formats/binary_input.h"
#include "core/files/formats/write_error.h"
#include "core/settings.h"

namespace potluck {

namespace {

using Fields = std::vector<std::string_view>;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// A field for a message: quoted, and not longer than a line.
std::string shown(std::string_view field) {
  constexpr size_t kMost = 40;
  if (field.empty()) return "nothing";
  std::string text;
  for (const char c : field.substr(0, kMost)) text += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return fmt::format("'{}{}'", text, field.size() > kMost ? "..." : "");
}

/// The lines of a file, with their numbers. Only blank lines may follow a blank one.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& file) : name_(file.string()) {
    require_file(file);
    stream_.open(file, std::ios::binary);
    if (!stream_) {
      const int reason = errno;
      blame_machine(file, reason);
      throw FileError(
          fmt::format("{}: must be readable, got '{}'. Check its permissions", name_, std::strerror(reason)));
    }
  }

  /// The next line that is not blank, without its end; false behind the last.
  bool next() {
    int64_t blank = 0;
    while (std::getline(stream_, line_)) {
      ++number_;
      if (!line_.empty() && line_.back() == '\r') line_.pop_back();
      if (number_ == 1 && line_.starts_with("\xef\xbb\xbf")) line_.erase(0, 3);  // the mark of UTF-8
      if (!trimmed(line_).empty()) {
        if (blank > 0)
          throw FileError(fmt::format("{}:{}: a line must hold a row, got an empty one. Remove it", name_, blank));
        return true;
      }
      if (blank == 0) blank = number_;
    }
    if (stream_.bad()) throw FileError(fmt::format("{}: must be readable, got an error. Check the disk", name_));
    return false;
  }

  const std::string& name() const { return name_; }

  /// The fields of the line; they point into it.
  Fields fields() const {
    Fields all;
    std::string_view rest = line_;
    for (bool more = true; more;) {
      const size_t end = end_of_field(rest);
      more = end < rest.size();
      all.push_back(without_quotes(trimmed(rest.substr(0, end))));
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
    return all;
  }

  [[noreturn]] void fail(const std::string& text) const {
    throw FileError(fmt::format("{}:{}: {}", name_, number_, text));
  }

 private:
  /// Position of the comma that ends the first field, or the length.
  size_t end_of_field(std::string_view rest) const {
    size_t from = 0;
    if (const std::string_view start = trimmed(rest); start.starts_with('"')) {
      const size_t open = rest.find('"');
      const size_t close = rest.find('"', open + 1);
      if (close == std::string_view::npos)
        fail(fmt::format("a quote must end on its line, got {} without its end", shown(start)));
      from = close + 1;
    }
    return std::min(rest.find(',', from), rest.size());
  }

  std::string_view without_quotes(std::string_view field) const {
    if (!field.starts_with('"')) return field;
    if (field.size() < 2 || !field.ends_with('"') || field.find('"', 1) != field.size() - 1)
      fail(fmt::format("a field must have quotes around all of it and none inside, got {}", shown(field)));
    return trimmed(field.substr(1, field.size() - 2));
  }

  std::string name_, line_;
  std::ifstream stream_;
  int64_t number_ = 0;
};

/// The number that a field writes; nothing where it writes none. `error` says whether it is one that float64 lacks.
std::optional<double> number_in(std::string_view field, std::errc& error) {
  if (field.starts_with('+') && !field.starts_with("+-")) field.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(field.data(), field.data() + field.size(), value);
  error = code;
  if (code == std::errc::invalid_argument || end != field.data() + field.size()) return {};
  return value;
}

bool is_number(std::string_view field) {
  std::errc error;
  return number_in(field, error).has_value();
}

bool written_as_integer(std::string_view field) {
  if (field.starts_with('-') || field.starts_with('+')) field.remove_prefix(1);
  return std::all_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Names that pandas gives to columns without any: 0, 1, 2, ...
bool counts_from_zero(const Fields& fields) {
  for (size_t i = 0; i < fields.size(); ++i)
    if (fields[i] != std::to_string(i)) return false;
  return fields.size() > 1;
}

bool has_names(const Lines& lines, const Fields& first) {
  const auto numbers = static_cast<size_t>(std::count_if(first.begin(), first.end(), is_number));
  if (numbers == 0) return true;
  if (numbers == first.size() && !counts_from_zero(first)) return false;
  lines.fail(
      fmt::format("the first line must have names alone or numbers alone, got {}. Say header: true where it has "
                  "names, header: false where it has numbers",
                  numbers < first.size() ? "both" : "0, 1, ..., which may be either"));
}

/// Where the columns stand that a choice names.
class Columns {
 public:
  Columns(const Lines& lines, const Fields& first, bool named) : lines_(lines), count_(first.size()) {
    if (named) names_.assign(first.begin(), first.end());
  }

  std::vector<size_t> chosen(const std::vector<std::string>& choice) const {
    std::vector<size_t> all;
    for (const std::string& one : choice.empty() ? std::vector<std::string>{":"} : choice) append(one, all);
    return all;
  }

  std::string name(size_t column) const {
    return names_.empty() ? fmt::format("column {}", column) : fmt::format("column '{}'", names_[column]);
  }

 private:
  void append(const std::string& one, std::vector<size_t>& all) const {
    if (const auto found = std::find(names_.begin(), names_.end(), one); found != names_.end()) {
      if (std::count(names_.begin(), names_.end(), one) > 1)
        fail(fmt::format("a name must stand over one column, got '{}' over several. Use positions such as \"0:1\"",
                         one));
      all.push_back(static_cast<size_t>(found - names_.begin()));
    } else if (const size_t colon = one.find(':'); colon != std::string::npos) {
      const auto begin = end_of_slice(one.substr(0, colon), 0), end = end_of_slice(one.substr(colon + 1), count_);
      if (!begin || !end || *begin >= *end)
        fail(fmt::format("a slice of columns must be start:stop inside 0 ... {} and not empty, got '{}'", count_, one));
      for (size_t column = *begin; column < *end; ++column) all.push_back(column);
    } else if (const auto position = names_.empty() ? end_of_slice(one, count_) : std::nullopt;
               position && *position < count_) {
      all.push_back(*position);
    } else {
      fail(names_.empty() ? fmt::format("a column must be a position 0 ... {} or a slice, got '{}'. The first line has "
                                        "no names",
                                        count_ - 1, one)
                          : fmt::format("a column must be a name in the first line or a slice, got '{}'. {}", one,
                                        known_names(one)));
    }
  }

  std::optional<size_t> end_of_slice(const std::string& text, size_t preset) const {
    if (text.empty()) return preset;
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return {};
    if (value < 0) value += static_cast<int64_t>(count_);
    if (value < 0 || value > static_cast<int64_t>(count_)) return {};
    return static_cast<size_t>(value);
  }

  std::string known_names(const std::string& wrong) const {
    constexpr size_t kMost = 10;
    std::string text;
    if (const auto near = nearest_name(wrong, names_)) text = fmt::format("Did you mean '{}'? ", *near);
    text += "Known: ";
    for (size_t i = 0; i < std::min(kMost, names_.size()); ++i) text += (i > 0 ? ", " : "") + names_[i];
    return text + (names_.size() > kMost ? ", ..." : "");
  }

  [[noreturn]] void fail(const std::string& text) const { throw FileError(fmt::format("{}: {}", lines_.name(), text)); }

  const Lines& lines_;
  const size_t count_;
  std::vector<std::string> names_;  ///< empty where there is no header
};

/// Numbers that take a byte each for as long as all of them fit one.
class CompactNumbers {
 public:
  void add(double value, bool integer) {
    integers_ = integers_ && integer && std::abs(value) <= kMostInteger;
    if (wide_.empty() && integers_ && value >= 0 && value <= 255) {
      bytes_.push_back(static_cast<std::byte>(value));
      return;
    }
    for (const std::byte byte : bytes_) wide_.push_back(static_cast<double>(byte));
    bytes_.clear();
    wide_.push_back(value);
  }

  Array array(std::vector<int64_t> shape) && {
    if (wide_.empty()) return {NumberType::kUint8, std::move(shape), std::move(bytes_)};
    if (!integers_) return Array::of(std::move(shape), wide_);
    return Array::of(std::move(shape), std::vector<int64_t>(wide_.begin(), wide_.end()));
  }

 private:
  static constexpr double kMostInteger = 9007199254740992.0;  // 2^53
  bool integers_ = true;
  std::vector<std::byte> bytes_;
  std::vector<double> wide_;
};

double read_field(const Lines& lines, const Columns& columns, size_t column, std::string_view field) {
  std::errc error;
  const auto value = number_in(field, error);
  if (!value) lines.fail(fmt::format("{} must be a number, got {}", columns.name(column), shown(field)));
  if (error != std::errc())
    lines.fail(fmt::format("{} must be a number that float64 holds, got {}", columns.name(column), shown(field)));
  if (!std::isfinite(*value)) lines.fail(fmt::format("{} must be finite, got {}", columns.name(column), shown(field)));
  return *value;
}

}  // namespace

Array read_csv(const std::filesystem::path& file, const CsvChoice& choice) {
  Lines lines(file);
  if (!lines.next()) throw FileError(fmt::format("{}: must have a row of numbers, got an empty file", lines.name()));
  Fields fields = lines.fields();
  const size_t width = fields.size();
  const bool named = choice.header ? *choice.header : has_names(lines, fields);
  const Columns columns(lines, fields, named);
  const std::vector<size_t> chosen = columns.chosen(choice.columns);
  CompactNumbers numbers;
  int64_t rows = 0;
  for (bool more = named ? lines.next() : true; more; more = lines.next()) {
    fields = lines.fields();
    if (fields.size() != width)
      lines.fail(fmt::format("a row must have {} fields as the first line, got {}. Separate them by commas", width,
                             fields.size()));
    for (const size_t column : chosen)
      numbers.add(read_field(lines, columns, column, fields[column]), written_as_integer(fields[column]));
    ++rows;
  }
  if (rows == 0) throw FileError(fmt::format("{}: must have a row of numbers, got names alone", lines.name()));
  return std::move(numbers).array({rows, static_cast<int64_t>(chosen.size())});
}

}  // namespace potluck
