// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/idx.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/files/formats/binary_input.h"

namespace potluck {

namespace {

/// Bytes asked for at a time, so that a header that promises too much costs no memory.
constexpr uint64_t kPiece = uint64_t{1} << 20;

/// zlib reads plain files as they are and gzip'ed ones decompressed.
class IdxInput {
 public:
  explicit IdxInput(const std::filesystem::path& file) : name_(file.string()) {
    require_file(file);
    stream_.reset(gzopen(name_.c_str(), "rb"));
    if (!stream_) throw FileError(fmt::format("{}: must be readable, got an error. Check its permissions", name_));
    gzbuffer(stream_.get(), 1 << 17);
  }

  const std::string& name() const { return name_; }

  std::vector<std::byte> read(uint64_t count, const char* what) {
    std::vector<std::byte> bytes;
    while (bytes.size() < count) {
      const size_t filled = bytes.size();
      const uint64_t piece = std::min(kPiece, count - filled);
      bytes.resize(filled + piece);
      const int got = gzread(stream_.get(), bytes.data() + filled, static_cast<unsigned>(piece));
      check_stream(what);
      if (got != static_cast<int>(piece)) {
        throw FileError(fmt::format("{}: {} must have {} bytes, got {}. The file is cut short", name_, what, count,
                                    filled + static_cast<uint64_t>(std::max(got, 0))));
      }
    }
    return bytes;
  }

  /// In a gzip'ed file this decompresses what it passes, in pieces.
  void skip(uint64_t count, const char* what) {
    if (gzseek(stream_.get(), static_cast<z_off_t>(count), SEEK_CUR) < 0) check_stream(what);
  }

  /// Nothing may follow; in a gzip'ed file the check of its checksum happens here.
  void expect_end() {
    char extra;
    const int got = gzread(stream_.get(), &extra, 1);
    check_stream("the end");
    if (got > 0) throw FileError(fmt::format("{}: the numbers must be the last, got more bytes after them", name_));
  }

 private:
  void check_stream(const char* what) const {
    int status = Z_OK;
    const char* reason = gzerror(stream_.get(), &status);
    if (status != Z_OK && status != Z_STREAM_END) {
      // zlib's text begins with the file's name.
      std::string text = reason != nullptr ? reason : "";
      if (text.rfind(name_ + ": ", 0) == 0) text = text.substr(name_.size() + 2);
      throw FileError(fmt::format("{}: {} must be whole gzip data, got '{}'. Fetch the file again", name_, what, text));
    }
  }

  struct Close {
    void operator()(gzFile_s* file) const { gzclose_r(file); }
  };
  std::string name_;
  std::unique_ptr<gzFile_s, Close> stream_;
};

std::optional<NumberType> type_of(int code) {
  switch (code) {
    case 0x08:
      return NumberType::kUint8;
    case 0x09:
      return NumberType::kInt8;
    case 0x0b:
      return NumberType::kInt16;
    case 0x0c:
      return NumberType::kInt32;
    case 0x0d:
      return NumberType::kFloat32;
    case 0x0e:
      return NumberType::kFloat64;
    default:
      return std::nullopt;
  }
}

Array read_header(IdxInput& input) {
  const std::vector<std::byte> start = input.read(4, "the start");
  const auto type = type_of(static_cast<int>(start[2]));
  const int rank = static_cast<int>(start[3]);
  if (start[0] != std::byte{0} || start[1] != std::byte{0} || !type || rank == 0) {
    throw FileError(fmt::format(
        "{}: must be an IDX file (two zeros, a type, a number of dimensions >= 1), got bytes {:02x} {:02x} {:02x} "
        "{:02x}",
        input.name(), static_cast<int>(start[0]), static_cast<int>(start[1]), static_cast<int>(start[2]), rank));
  }
  Array array{*type, {}, {}};
  const std::vector<std::byte> lengths = input.read(4 * static_cast<uint64_t>(rank), "the lengths");
  for (size_t i = 0; i < lengths.size(); i += 4) {
    int64_t length = 0;
    for (size_t k = 0; k < 4; ++k) length = length << 8 | static_cast<int64_t>(lengths[i + k]);
    array.shape.push_back(length);
  }
  // Room for the product with the number's size and the offset of a row.
  if (count_of(array.shape) < 0 || count_of(array.shape) > int64_t{1} << 58) {
    throw FileError(fmt::format("{}: the lengths' product must fit, got {}", input.name(), shape_text(array.shape)));
  }
  return array;
}

void from_big_endian(Array& array) {
  const auto size = static_cast<std::ptrdiff_t>(bytes_of(array.type));
  if (size == 1) return;
  for (auto at = array.bytes.begin(); at != array.bytes.end(); at += size) std::reverse(at, at + size);
}

uint64_t bytes_in(const Array& array) { return static_cast<uint64_t>(array.count()) * bytes_of(array.type); }

}  // namespace

Array read_idx_header(const std::filesystem::path& file) {
  IdxInput input(file);
  return read_header(input);
}

Array read_idx(const std::filesystem::path& file) {
  IdxInput input(file);
  Array array = read_header(input);
  array.bytes = input.read(bytes_in(array), "the numbers");
  input.expect_end();
  from_big_endian(array);
  return array;
}

ArrayRows idx_rows(const std::filesystem::path& file) {
  auto input = std::make_shared<IdxInput>(file);
  const Array header = read_header(*input);
  int64_t left = header.count();
  return {header.type, header.shape, [input, type = header.type, left](int64_t numbers) mutable {
            Array part{type, {numbers}, input->read(static_cast<uint64_t>(numbers) * bytes_of(type), "the numbers")};
            left -= numbers;
            if (left == 0) input->expect_end();
            from_big_endian(part);
            return std::move(part.bytes);
          }};
}

Array read_idx_row(const std::filesystem::path& file, int64_t row) {
  IdxInput input(file);
  Array array = read_header(input);
  const int64_t rows = array.shape.front();
  if (row < 0 || row >= rows) {
    throw FileError(fmt::format("{}: row must be >= 0 and < {}, got {}", input.name(), rows, row));
  }
  array.shape.erase(array.shape.begin());
  input.skip(static_cast<uint64_t>(row) * bytes_in(array), "the numbers before the row");
  array.bytes = input.read(bytes_in(array), "the row");
  from_big_endian(array);
  return array;
}

}  // namespace potluck
