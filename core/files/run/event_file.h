// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace potluck {

/// A picture of an event, as the bytes of a PNG file.
struct EventImage {
  std::string tag;
  int64_t height = 0;
  int64_t width = 0;
  std::string png;
};

/// `events.out.tfevents.SECONDS.potluck`: what a training says of itself, for TensorBoard.
///
/// A file of records (TFRecord): length as uint64, its masked CRC-32C, the bytes, their masked CRC-32C, numbers in
/// little-endian order. The mask of a check c is ((c >> 15) | (c << 17)) + 0xa282ead8. Each record is an Event of
/// TensorBoard's event.proto, of which these fields are written: wall_time 1 (double), step 2 (int64), file_version 3
/// (text), summary 5 with values 1 of tag 1 (text) and simple_value 2 (float), or image 4 with height 1, width 2,
/// colorspace 3 (RGB: 3), encoded_image_string 4.
///
/// It is written event by event, so that a killed training leaves all but the last. One that goes on drops what is
/// behind its checkpoint.
class EventFile {
 public:
  /// @param length  of what is to be kept, in bytes; 0, or no such file in the folder: one begins anew. A new one takes
  ///   the place of an older one. @throws FileError
  EventFile(const std::filesystem::path& folder, int64_t length);

  /// @param wall_time  seconds since 1970  @throws FileError
  void add(int64_t step, double wall_time, const std::vector<std::pair<std::string, double>>& scalars,
           const std::vector<EventImage>& images);

  const std::filesystem::path& path() const { return file_; }
  int64_t length() const { return length_; }

 private:
  void write(const std::string& event);

  std::filesystem::path file_;
  int64_t length_ = 0;
};

}  // namespace potluck
