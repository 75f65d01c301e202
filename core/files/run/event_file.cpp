// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/event_file.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>

#include "core/files/formats/crc32c.h"
#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

constexpr const char* kFirstPart = "events.out.tfevents.";
constexpr uint32_t kMaskDelta = 0xa282ead8u;
constexpr int64_t kRgb = 3;

static_assert(std::endian::native == std::endian::little, "records hold little-endian numbers");

template <class Number>
std::string raw(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// Fields of a protocol buffer: a key of number and wire type, then the value.
std::string varint(uint64_t number) {
  std::string bytes;
  for (; number >= 128; number >>= 7) bytes += static_cast<char>((number & 127u) | 128u);
  return bytes + static_cast<char>(number);
}
std::string field(uint64_t number, uint64_t wire_type) { return varint(number << 3 | wire_type); }
std::string integer_field(uint64_t number, int64_t value) {
  return field(number, 0) + varint(static_cast<uint64_t>(value));
}
std::string double_field(uint64_t number, double value) { return field(number, 1) + raw(value); }
std::string float_field(uint64_t number, float value) { return field(number, 5) + raw(value); }
std::string text_field(uint64_t number, const std::string& value) {
  return field(number, 2) + varint(value.size()) + value;
}

std::string masked_check(const std::string& bytes) {
  const uint32_t check = crc32c(bytes);
  return raw(((check >> 15) | (check << 17)) + kMaskDelta);
}

std::string record_of(const std::string& event) {
  const std::string length = raw(static_cast<uint64_t>(event.size()));
  return length + masked_check(length) + event + masked_check(event);
}

std::string image_field(const EventImage& image) {
  return text_field(4, integer_field(1, image.height) + integer_field(2, image.width) + integer_field(3, kRgb) +
                           text_field(4, image.png));
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::optional<std::filesystem::path> event_file_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(kFirstPart)) return entry.path();
  return std::nullopt;
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& folder, int64_t length) {
  const auto there = event_file_in(folder);
  if (there && length > 0) {
    std::error_code failed;
    std::filesystem::resize_file(*there, static_cast<uintmax_t>(length), failed);
    if (!failed) {
      file_ = *there;
      length_ = length;
      return;
    }
  }
  if (there) std::filesystem::remove(*there);
  const double begun = now();
  file_ = folder / fmt::format("{}{}.potluck", kFirstPart, static_cast<int64_t>(begun));
  write(double_field(1, begun) + text_field(3, "brain.Event:2"));
}

void EventFile::add(int64_t step, double wall_time, const std::vector<std::pair<std::string, double>>& scalars,
                    const std::vector<EventImage>& images) {
  std::string summary;
  for (const auto& [tag, value] : scalars)
    summary += text_field(1, text_field(1, tag) + float_field(2, static_cast<float>(value)));
  for (const EventImage& image : images) summary += text_field(1, text_field(1, image.tag) + image_field(image));
  write(double_field(1, wall_time) + integer_field(2, step) + text_field(5, summary));
}

void EventFile::write(const std::string& event) {
  const std::string record = record_of(event);
  errno = 0;
  std::ofstream out(file_, std::ios::app | std::ios::binary);
  out.write(record.data(), static_cast<std::streamsize>(record.size()));
  out.close();
  if (!out) fail_with(errno, fmt::format("{} cannot be written", file_.string()), "Look for room on the disk");
  length_ += static_cast<int64_t>(record.size());
}

}  // namespace potluck
