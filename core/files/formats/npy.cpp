// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/npy.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/binary_input.h"
#include "core/files/formats/half.h"

namespace potluck {

namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr uint64_t kMostHeader = uint64_t{1} << 20;

struct Header {
  std::string descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

/// Reads the Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } of a header.
class HeaderParser {
 public:
  HeaderParser(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    Header header;
    expect('{');
    while (!take('}')) {
      const std::string key = text();
      expect(':');
      if (key == "descr") {
        header.descr = text();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail(fmt::format("'{}'", key));
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (header.descr.empty()) fail("no 'descr'");
    if (!header.fortran_order) fail("no 'fortran_order'");
    if (!header.shape) fail("no 'shape'");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& got) const {
    throw FileError(fmt::format(
        "{}: the header must be a dictionary of descr, fortran_order and shape, got {}. Save it with numpy.save", file_,
        got));
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool take(char wanted) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) fail(at_ < text_.size() ? fmt::format("'{}'", text_.substr(at_, 20)) : "its end");
  }

  std::string text() {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') fail(fmt::format("'{}'", text_.substr(std::min(at_, text_.size()), 20)));
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string::npos) fail("an open quote");
    std::string word = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return word;
  }

  bool boolean() {
    skip_spaces();
    for (const bool value : {true, false}) {
      const std::string word = value ? "True" : "False";
      if (text_.compare(at_, word.size(), word) == 0) {
        at_ += word.size();
        return value;
      }
    }
    fail(fmt::format("'{}'", text_.substr(at_, 20)));
  }

  std::vector<int64_t> tuple() {
    std::vector<int64_t> lengths;
    expect('(');
    while (!take(')')) {
      skip_spaces();
      int64_t length = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), length);
      if (error != std::errc()) fail(fmt::format("'{}'", text_.substr(at_, 20)));
      at_ += static_cast<size_t>(end - begin);
      lengths.push_back(length);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return lengths;
  }

  const std::string& text_;
  const std::string& file_;
  size_t at_ = 0;
};

struct TypeCode {
  const char* code;
  NumberType type;
};
constexpr const char* kHalf = "f2";  // has no type of its own in memory
constexpr std::array<TypeCode, 11> kCodes = {{{"b1", NumberType::kBool},
                                              {"i1", NumberType::kInt8},
                                              {"i2", NumberType::kInt16},
                                              {"i4", NumberType::kInt32},
                                              {"i8", NumberType::kInt64},
                                              {"u1", NumberType::kUint8},
                                              {"u2", NumberType::kUint16},
                                              {"u4", NumberType::kUint32},
                                              {"u8", NumberType::kUint64},
                                              {"f4", NumberType::kFloat32},
                                              {"f8", NumberType::kFloat64}}};

/// How the numbers stand in the file, and what they are read as.
struct Stored {
  NumberType type;
  bool half = false;

  size_t bytes() const { return half ? 2 : bytes_of(type); }
  const char* name() const { return half ? "float16" : name_of(type); }
};

Stored stored_of(const std::string& descr, const std::string& file) {
  if (descr.size() == 3 && std::strchr("<>|=", descr[0])) {
    if (descr.compare(1, 2, kHalf) == 0) return {NumberType::kFloat32, true};
    for (const TypeCode& known : kCodes)
      if (descr.compare(1, 2, known.code) == 0) return {known.type};
  }
  throw FileError(fmt::format(
      "{}: the number type must be one of b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4, f8, got '{}'. Convert it with "
      "astype",
      file, descr));
}

void swap_bytes(std::vector<std::byte>& bytes, size_t size) {
  for (size_t i = 0; i + size <= bytes.size(); i += size) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i), bytes.begin() + static_cast<std::ptrdiff_t>(i + size));
  }
}

/// Fortran order has the first index running fastest, C order the last.
Array from_fortran_order(const Array& from) {
  Array to = from;
  const size_t size = bytes_of(from.type), rank = from.shape.size();
  std::vector<int64_t> index(rank, 0);
  for (size_t i = 0; i < static_cast<size_t>(from.count()); ++i) {
    size_t place = 0;
    for (size_t axis = 0; axis < rank; ++axis) {
      place = place * static_cast<size_t>(from.shape[axis]) + static_cast<size_t>(index[axis]);
    }
    std::memcpy(to.bytes.data() + place * size, from.bytes.data() + i * size, size);
    for (size_t axis = 0; axis < rank && ++index[axis] == from.shape[axis]; ++axis) index[axis] = 0;
  }
  return to;
}

/// A file behind its header.
struct NpyInput {
  BinaryInput input;
  Stored stored;
  std::vector<int64_t> shape;
  bool big_endian = false;
  bool fortran_order = false;  ///< where that differs from C order
};

NpyInput open_npy(const std::filesystem::path& file) {
  BinaryInput input(file);
  std::array<unsigned char, 8> start;
  input.read(start.data(), start.size(), "the start");
  if (std::memcmp(start.data(), kMagic, 6) != 0) {
    throw FileError(
        fmt::format("{}: must be a .npy file, got other first bytes. Save it with numpy.save", input.name()));
  }
  if (start[6] < 1 || start[6] > 3) {
    throw FileError(
        fmt::format("{}: the format must be 1, 2 or 3, got {}. Save it with numpy.save", input.name(), int{start[6]}));
  }
  uint32_t length = 0;
  input.read(&length, start[6] == 1 ? 2 : 4, "the header's length");
  if (length > kMostHeader) {
    throw FileError(
        fmt::format("{}: the header must have at most {} bytes, got {}", input.name(), kMostHeader, length));
  }
  std::string text(length, ' ');
  input.read(text.data(), length, "the header");
  const Header header = HeaderParser(text, input.name()).parse();

  const Stored stored = stored_of(header.descr, input.name());
  const int64_t count = count_of(*header.shape);
  if (count < 0 || static_cast<uint64_t>(count) > (~uint64_t{0} >> 3) / stored.bytes()) {
    throw FileError(fmt::format("{}: the shape must have lengths >= 0 whose product fits, got {}", input.name(),
                                shape_text(*header.shape)));
  }
  const uint64_t bytes = static_cast<uint64_t>(count) * stored.bytes();
  if (bytes != input.left()) {
    throw FileError(fmt::format("{}: the numbers must have {} bytes for shape {} of {}, got {}. Save it again",
                                input.name(), bytes, shape_text(*header.shape), stored.name(), input.left()));
  }
  return {std::move(input), stored, *header.shape, header.descr[0] == '>',
          *header.fortran_order && header.shape->size() > 1};
}

std::vector<std::byte> read_numbers(NpyInput& file, int64_t count) {
  std::vector<std::byte> bytes(static_cast<size_t>(count) * file.stored.bytes());
  file.input.read(bytes.data(), bytes.size(), "the numbers");
  if (file.big_endian) swap_bytes(bytes, file.stored.bytes());
  return file.stored.half ? floats_of_halves(bytes) : bytes;
}

Array read_whole(NpyInput& file) {
  Array array{file.stored.type, file.shape, read_numbers(file, count_of(file.shape))};
  return file.fortran_order ? from_fortran_order(array) : array;
}

}  // namespace

Array read_npy(const std::filesystem::path& file) {
  NpyInput input = open_npy(file);
  return read_whole(input);
}

ArrayRows npy_rows(const std::filesystem::path& file) {
  auto input = std::make_shared<NpyInput>(open_npy(file));
  if (input->fortran_order) return ArrayRows(read_whole(*input));
  return {input->stored.type, input->shape, [input](int64_t numbers) { return read_numbers(*input, numbers); }};
}

std::string npy_type(NumberType type) {
  const auto code = std::find_if(kCodes.begin(), kCodes.end(), [type](const TypeCode& c) { return c.type == type; });
  return fmt::format("{}{}", bytes_of(type) == 1 ? '|' : '<', code->code);
}

std::string npy_start(const std::string& type, const std::vector<int64_t>& shape, const std::filesystem::path& file) {
  std::string lengths;
  for (const int64_t length : shape) lengths += fmt::format("{}, ", length);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, lengths);
  // The numbers begin at a multiple of 64 bytes; the header ends with a line feed.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  if (header.size() > 0xffff) {
    throw FileError(
        fmt::format("{}: the shape must fit a header of 65535 bytes, got {} dimensions", file.string(), shape.size()));
  }
  const std::array<unsigned char, 4> version_and_length = {1, 0, static_cast<unsigned char>(header.size() & 0xff),
                                                           static_cast<unsigned char>(header.size() >> 8)};
  return std::string(kMagic, 6).append(version_and_length.begin(), version_and_length.end()) + header;
}

void write_npy(const std::filesystem::path& file, const Array& array) {
  const std::string start = npy_start(npy_type(array.type), array.shape, file);
  AtomicFile target(file);
  target.write(start.data(), start.size());
  target.write(array.bytes.data(), array.bytes.size());
  target.commit();
}

}  // namespace potluck
