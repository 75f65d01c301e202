// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/png.h"

#include <fmt/core.h>
// libpng's setjmp must come with its header.
#include <png.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/binary_input.h"

namespace potluck {

namespace {

constexpr uint64_t kMostNumbers = uint64_t{1} << 28;
/// Deflate makes at most 1032 bytes of one: a header that promises more than the file can hold is wrong.
constexpr uint64_t kMostInflation = 1040;

/// What libpng says when it fails. It lives outside the frames that longjmp leaves.
struct Failure {
  std::array<char, 200> text{};
};

void remember(png_structp png, png_const_charp text) {
  Failure* failure = static_cast<Failure*>(png_get_error_ptr(png));
  // Not fmt::format_to_n: clang asks for it under another name than the one in a library that g++ built.
  std::snprintf(failure->text.data(), failure->text.size(), "%s", text);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

/// Runs a step that calls libpng. libpng leaves a failed step with longjmp, so the step may own nothing that has a
/// destructor. Returns false where it failed.
template <typename Step>
bool succeeds(png_structp png, const Step& step) {
  if (setjmp(png_jmpbuf(png))) return false;
  step();
  return true;
}

struct Reading {
  explicit Reading(Failure& failure)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, remember, ignore_warning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {
    if (info == nullptr) throw std::bad_alloc();
  }
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  png_structp png;
  png_infop info;
};

struct Writing {
  explicit Writing(Failure& failure)
      : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, remember, ignore_warning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {
    if (info == nullptr) throw std::bad_alloc();
  }
  ~Writing() { png_destroy_write_struct(&png, &info); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  png_structp png;
  png_infop info;
};

[[noreturn]] void fail(const std::string& file, const Failure& failure) {
  throw FileError(
      fmt::format("{}: must be a whole PNG image, got '{}'. Save the image again", file, failure.text.data()));
}

/// The file's numbers, and an alpha channel where the file has one: [height, width, channels].
struct Raw {
  uint32_t height = 0;
  uint32_t width = 0;
  int channels = 0;
  int bits = 0;
};

void check_size(const Raw& raw, uint64_t file_bytes, const std::string& file) {
  const uint64_t numbers = uint64_t{raw.height} * raw.width * static_cast<uint64_t>(raw.channels);
  // A gray image of one bit is expanded eightfold.
  if (numbers > kMostNumbers || numbers / 8 > file_bytes * kMostInflation) {
    throw FileError(
        fmt::format("{}: the image must have a size that fits its file of {} bytes and 2^28 numbers, got "
                    "{} x {}. Save the image again, or a smaller one",
                    file, file_bytes, raw.height, raw.width));
  }
}

/// Copies the numbers without alpha, which must be opaque.
void drop_alpha(const std::vector<uint16_t>& from, const Raw& raw, PngImage& image, const std::string& file) {
  const size_t channels = static_cast<size_t>(raw.channels), kept = static_cast<size_t>(image.channels);
  for (size_t pixel = 0; pixel < from.size() / channels; ++pixel) {
    if (from[pixel * channels + kept] != image.maximum) {
      throw FileError(
          fmt::format("{}: every pixel must be opaque, got a transparent one at row {}, column {}. Save the "
                      "image without an alpha channel",
                      file, pixel / raw.width, pixel % raw.width));
    }
    for (size_t c = 0; c < kept; ++c) image.values[pixel * kept + c] = from[pixel * channels + c];
  }
}

/// libpng asks for the memory of a chunk before it looks whether the file has so much, 2 GB at most. The pixels' chunks
/// it reads piece by piece. Afterwards the file stands where it stood, behind the signature.
void check_chunks(BinaryInput& input, size_t behind_signature) {
  constexpr uint64_t kSum = 4;
  std::array<unsigned char, 8> start;
  while (input.left() >= start.size()) {
    input.read(start.data(), start.size(), "the start of a chunk");
    const uint64_t length = png_get_uint_32(start.data()) + kSum;
    const bool pixels = std::memcmp(start.data() + 4, "IDAT", 4) == 0;
    if (length > input.left()) {
      if (pixels) break;
      throw FileError(
          fmt::format("{}: must be a whole PNG image, got a chunk of {} bytes where {} are left. Save the image again",
                      input.name(), length, input.left()));
    }
    input.skip(length, "a chunk");
    if (std::memcmp(start.data() + 4, "IEND", 4) == 0) break;
  }
  std::fseek(input.stream(), static_cast<long>(behind_signature), SEEK_SET);
}

void append(png_structp png, png_bytep bytes, size_t count) {
  std::string* out = static_cast<std::string*>(png_get_io_ptr(png));
  bool full = false;
  try {
    out->append(reinterpret_cast<const char*>(bytes), count);
  } catch (const std::exception&) {
    full = true;
  }
  if (full) png_error(png, "out of memory");
}

void flush_nothing(png_structp) {}

}  // namespace

PngImage read_png(const std::filesystem::path& file) {
  BinaryInput input(file);
  std::array<unsigned char, 8> signature;
  input.read(signature.data(), signature.size(), "the start");
  if (png_sig_cmp(signature.data(), 0, signature.size()) != 0) {
    throw FileError(
        fmt::format("{}: must be a PNG image, got other first bytes. Convert the image to PNG", input.name()));
  }
  check_chunks(input, signature.size());
  Failure failure;
  Reading reading(failure);
  const png_structp png = reading.png;
  const png_infop info = reading.info;
  Raw raw;
  const bool began = succeeds(png, [&] {
    png_set_user_limits(png, 1u << 20, 1u << 20);
    png_init_io(png, input.stream());
    png_set_sig_bytes(png, 8);
    png_read_info(png, info);
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
    if (png_get_bit_depth(png, info) == 16) png_set_swap(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    raw.height = png_get_image_height(png, info);
    raw.width = png_get_image_width(png, info);
    raw.channels = png_get_channels(png, info);
    raw.bits = png_get_bit_depth(png, info);
  });
  if (!began) fail(input.name(), failure);
  check_size(raw, input.size(), input.name());

  const size_t row_numbers = size_t{raw.width} * static_cast<size_t>(raw.channels);
  const size_t row_bytes = row_numbers * (raw.bits == 16 ? 2 : 1);
  std::vector<unsigned char> bytes(row_bytes * raw.height);
  std::vector<png_bytep> rows(raw.height);
  for (size_t y = 0; y < rows.size(); ++y) rows[y] = bytes.data() + y * row_bytes;
  const bool done = succeeds(png, [&] {
    png_read_image(png, rows.data());
    png_read_end(png, info);
  });
  if (!done) fail(input.name(), failure);

  std::vector<uint16_t> values(row_numbers * raw.height);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = raw.bits == 16 ? static_cast<uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8) : bytes[i];
  }
  PngImage image;
  image.height = raw.height;
  image.width = raw.width;
  image.channels = raw.channels >= 3 ? 3 : 1;
  image.maximum = raw.bits == 16 ? 65535 : 255;
  if (raw.channels == image.channels) {
    image.values = std::move(values);
  } else {
    image.values.resize(values.size() / static_cast<size_t>(raw.channels) * static_cast<size_t>(image.channels));
    drop_alpha(values, raw, image, input.name());
  }
  png_textp text = nullptr;
  const int texts = png_get_text(png, info, &text, nullptr);
  for (int i = 0; i < texts; ++i) image.text[text[i].key] = text[i].text != nullptr ? text[i].text : "";
  return image;
}

void write_png(const std::filesystem::path& file, int64_t height, int64_t width, int64_t channels,
               std::span<const uint8_t> values, const std::map<std::string, std::string>& text) {
  constexpr int64_t kMostSide = 1 << 20;
  if (height < 1 || width < 1 || height > kMostSide || width > kMostSide || (channels != 1 && channels != 3) ||
      values.size() != static_cast<size_t>(height * width * channels)) {
    throw FileError(
        fmt::format("{}: the image must be [height, width, 1 or 3] of as many numbers, got [{}, {}, {}] of {}",
                    file.string(), height, width, channels, values.size()));
  }
  std::string out;
  std::vector<png_text> texts;
  for (const auto& [key, value] : text) {
    png_text one{};
    one.compression = PNG_TEXT_COMPRESSION_NONE;
    one.key = const_cast<char*>(key.c_str());
    one.text = const_cast<char*>(value.c_str());
    one.text_length = value.size();
    texts.push_back(one);
  }
  Failure failure;
  Writing writing(failure);
  const png_structp png = writing.png;
  const png_infop info = writing.info;
  const bool done = succeeds(png, [&] {
    png_set_write_fn(png, &out, append, flush_nothing);
    png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
                 channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (!texts.empty()) png_set_text(png, info, texts.data(), static_cast<int>(texts.size()));
    png_write_info(png, info);
    for (int64_t y = 0; y < height; ++y) png_write_row(png, values.data() + y * width * channels);
    png_write_end(png, info);
  });
  if (!done) fail(file.string(), failure);
  write_whole_file(file, out);
}

}  // namespace potluck
