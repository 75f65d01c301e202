// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/binary_input.h"
#include "core/files/formats/half.h"
#include "core/files/formats/json_input.h"

namespace potluck {

namespace {

using nlohmann::json;

constexpr uint64_t kMostHeader = 100'000'000;
constexpr const char* kMetadata = "__metadata__";

/// How numbers stand in the file: F16 and BF16 have no type of their own in memory.
struct Stored {
  const char* name;
  size_t bytes;
  NumberType type;
};
constexpr std::array<Stored, 13> kStored = {{{"BOOL", 1, NumberType::kBool},
                                             {"I8", 1, NumberType::kInt8},
                                             {"I16", 2, NumberType::kInt16},
                                             {"I32", 4, NumberType::kInt32},
                                             {"I64", 8, NumberType::kInt64},
                                             {"U8", 1, NumberType::kUint8},
                                             {"U16", 2, NumberType::kUint16},
                                             {"U32", 4, NumberType::kUint32},
                                             {"U64", 8, NumberType::kUint64},
                                             {"F32", 4, NumberType::kFloat32},
                                             {"F64", 8, NumberType::kFloat64},
                                             {"F16", 2, NumberType::kFloat32},
                                             {"BF16", 2, NumberType::kFloat32}}};

struct Entry {
  std::string name;
  Stored stored;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Parses the header; each name may stand once.
json parse_header(const std::string& text, const std::string& file) {
  std::set<std::string> names;
  std::string twice;
  bool deep = false;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth == 1 && event == json::parse_event_t::key && !names.insert(value.get<std::string>()).second) {
      twice = value.get<std::string>();
    }
    deep = deep || depth > kMostNestedJson;
    return !deep;
  };
  json header = json::parse(text, watch, false);
  if (deep || !header.is_object()) {
    throw FileError(fmt::format("{}: the header must be a JSON object{}, got '{}'. Save it with safetensors", file,
                                deep ? " of names" : "", text.substr(0, 20)));
  }
  if (!twice.empty()) throw FileError(fmt::format("{}: each name must stand once, got '{}' twice", file, twice));
  return header;
}

std::optional<std::vector<uint64_t>> whole_numbers(const json& entry, const char* key) {
  if (!entry.contains(key) || !entry[key].is_array()) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const json& number : entry[key]) {
    if (!number.is_number_unsigned()) return std::nullopt;
    numbers.push_back(number.get<uint64_t>());
  }
  return numbers;
}

Entry read_entry(const std::string& name, const json& value, const std::string& file) {
  const std::string where = fmt::format("{}: '{}'", file, name);
  if (!value.is_object()) throw FileError(fmt::format("{} must be a JSON object, got {}", where, value.type_name()));
  const json kind = value.value("dtype", json());
  const auto stored = std::find_if(kStored.begin(), kStored.end(), [&](const Stored& s) { return kind == s.name; });
  if (stored == kStored.end()) {
    throw FileError(
        fmt::format("{}: dtype must be one of BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, BF16, F32, F64, got {}. "
                    "Convert it before saving",
                    where, kind.dump(-1, ' ', false, json::error_handler_t::replace)));
  }
  const auto shape = whole_numbers(value, "shape");
  const auto offsets = whole_numbers(value, "data_offsets");
  if (!shape) throw FileError(fmt::format("{}: shape must be a list of whole numbers >= 0, got another value", where));
  if (!offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1]) {
    throw FileError(fmt::format("{}: data_offsets must be [begin, end] with begin <= end, got another value", where));
  }
  Entry entry{name, *stored, {}, (*offsets)[0], (*offsets)[1]};
  for (const uint64_t length : *shape) {
    entry.shape.push_back(length > uint64_t{1} << 62 ? -1 : static_cast<int64_t>(length));
  }
  const int64_t count = count_of(entry.shape);
  const uint64_t bytes = entry.end - entry.begin;
  if (count < 0 || bytes % stored->bytes != 0 || bytes / stored->bytes != static_cast<uint64_t>(count)) {
    throw FileError(fmt::format("{}: data_offsets must span the numbers of shape {} of {}, got {} bytes", where,
                                shape_text(entry.shape), stored->name, bytes));
  }
  return entry;
}

std::vector<Entry> read_entries(const json& header, uint64_t data_bytes, const std::string& file) {
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) entries.push_back(read_entry(name, value, file));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      throw FileError(fmt::format("{}: '{}': data_offsets must begin at {}, where the array before ends, got {}", file,
                                  entry.name, end, entry.begin));
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    throw FileError(fmt::format("{}: the numbers must have {} bytes, got {}. The file is {}", file, end, data_bytes,
                                end > data_bytes ? "cut short" : "longer than its header says"));
  }
  return entries;
}

std::map<std::string, std::string> read_metadata(const json& header, const std::string& file) {
  std::map<std::string, std::string> metadata;
  if (!header.contains(kMetadata)) return metadata;
  const json& all = header[kMetadata];
  if (!all.is_object()) throw FileError(fmt::format("{}: {} must be an object, got another value", file, kMetadata));
  for (const auto& [key, value] : all.items()) {
    if (!value.is_string()) {
      throw FileError(fmt::format("{}: {}: '{}' must be a text, got {}", file, kMetadata, key, value.type_name()));
    }
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

/// A file behind its header.
struct Opened {
  BinaryInput input;
  std::string text;  ///< of the header
  json header;
  std::vector<Entry> entries;  ///< in the order of their numbers
};

Opened open_safetensors(const std::filesystem::path& file) {
  BinaryInput input(file);
  uint64_t length = 0;
  input.read(&length, 8, "the header's length");
  if (length > kMostHeader) {
    throw FileError(fmt::format("{}: the header must have at most {} bytes, got {}. This is not a safetensors file",
                                input.name(), kMostHeader, length));
  }
  if (length > input.left()) {
    throw FileError(fmt::format("{}: the header must have {} bytes, got {}. The file is cut short", input.name(),
                                length, input.left()));
  }
  std::string text(length, ' ');
  input.read(text.data(), length, "the header");
  json header = parse_header(text, input.name());
  std::vector<Entry> entries = read_entries(header, input.left(), input.name());
  return {std::move(input), std::move(text), std::move(header), std::move(entries)};
}

std::vector<std::byte> read_numbers(BinaryInput& input, const Stored& stored, uint64_t bytes) {
  std::vector<std::byte> numbers(bytes);
  input.read(numbers.data(), bytes, "the numbers");
  const std::string_view kind = stored.name;
  if (kind == "F16") return floats_of_halves(numbers);
  if (kind == "BF16") return floats_of_brain_floats(numbers);
  return numbers;
}

/// The numbers behind it begin at a multiple of 8 bytes.
template <class Json>
std::string header_text(const Json& header, const std::filesystem::path& file) {
  std::string text;
  try {
    text = header.dump();
  } catch (const typename Json::exception&) {
    throw FileError(fmt::format("{}: names and metadata must be UTF-8, got other bytes", file.string()));
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

void write_header(const std::string& text, AtomicFile& target) {
  const uint64_t length = text.size();
  target.write(&length, 8);
  target.write(text.data(), text.size());
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& file) {
  Opened opened = open_safetensors(file);
  Safetensors contents;
  contents.metadata = read_metadata(opened.header, opened.input.name());
  for (const Entry& entry : opened.entries)
    contents.arrays[entry.name] = {entry.stored.type, entry.shape,
                                   read_numbers(opened.input, entry.stored, entry.end - entry.begin)};
  return contents;
}

std::vector<std::string> safetensors_names(const std::filesystem::path& file) {
  std::vector<std::string> names;
  for (const Entry& entry : open_safetensors(file).entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

ArrayRows safetensors_rows(const std::filesystem::path& file, const std::string& name) {
  auto opened = std::make_shared<Opened>(open_safetensors(file));
  const auto entry = std::find_if(opened->entries.begin(), opened->entries.end(),
                                  [&name](const Entry& one) { return one.name == name; });
  if (entry == opened->entries.end())
    throw FileError(fmt::format("{}: must hold an array '{}', got none", opened->input.name(), name));
  opened->input.skip(entry->begin, "the numbers before the array");
  return {entry->stored.type, entry->shape, [opened, stored = entry->stored](int64_t numbers) {
            return read_numbers(opened->input, stored, static_cast<uint64_t>(numbers) * stored.bytes);
          }};
}

void set_safetensors_metadata(const std::filesystem::path& file, const std::string& key, const std::string& text) {
  using OrderedJson = nlohmann::ordered_json;
  Opened opened = open_safetensors(file);
  read_metadata(opened.header, opened.input.name());
  OrderedJson header = OrderedJson::parse(opened.text);
  OrderedJson metadata = header.value(kMetadata, OrderedJson::object());
  metadata[key] = text;
  if (!header.contains(kMetadata)) {
    OrderedJson first = {{kMetadata, OrderedJson::object()}};
    first.update(header);
    header = std::move(first);
  }
  header[kMetadata] = std::move(metadata);
  AtomicFile target(file);
  write_header(header_text(header, file), target);
  std::vector<std::byte> piece(size_t{1} << 20);
  while (opened.input.left() > 0) {
    const uint64_t count = std::min<uint64_t>(piece.size(), opened.input.left());
    opened.input.read(piece.data(), count, "the numbers");
    target.write(piece.data(), count);
  }
  target.commit();
}

void write_safetensors(const std::filesystem::path& file, const Safetensors& contents) {
  json header = json::object();
  if (!contents.metadata.empty()) header[kMetadata] = contents.metadata;
  uint64_t end = 0;
  for (const auto& [name, array] : contents.arrays) {
    const auto stored =
        std::find_if(kStored.begin(), kStored.end(), [type = array.type](const Stored& s) { return s.type == type; });
    const uint64_t begin = end;
    end += array.bytes.size();
    header[name] = {{"dtype", stored->name}, {"shape", array.shape}, {"data_offsets", {begin, end}}};
  }
  AtomicFile target(file);
  write_header(header_text(header, file), target);
  for (const auto& [name, array] : contents.arrays) target.write(array.bytes.data(), array.bytes.size());
  target.commit();
}

}  // namespace potluck
