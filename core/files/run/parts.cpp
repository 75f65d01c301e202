// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/parts.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <libdeflate.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

// Invariants of a part: its length is a multiple of 8 after each whole record; nothing is ever overwritten; a record is
// whole if and only if both of its checksums agree. A writer that fails cuts the part back to its last whole record.

constexpr std::array<char, 8> kMagic = {'P', 'O', 'T', 'L', 'U', 'C', 'K', '\n'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMostHeader = 1u << 30;

struct PartStart {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kVersion;
  uint32_t part = 0;
  uint32_t header_bytes = 0;  ///< a multiple of 8
  uint32_t header_crc = 0;
};
static_assert(sizeof(PartStart) == 24);

struct RecordStart {
  uint64_t bytes = 0;        ///< of the payload, a multiple of 8
  uint32_t payload_crc = 0;  ///< CRC-32 of the payload
  uint32_t start_crc = 0;    ///< CRC-32 of the 12 bytes before
};
static_assert(sizeof(RecordStart) == 16);

uint32_t checksum(const void* bytes, size_t count, uint32_t so_far = 0) {
  if (count == 0) return so_far;  // libdeflate would begin anew for a null pointer
  return libdeflate_crc32(so_far, bytes, count);
}

uint32_t start_checksum(const RecordStart& start) { return checksum(&start, 12); }

constexpr size_t kMostPieces = 16;  // of one call; POSIX has at least so many

/// All pieces one after another, in as few calls as can be: each costs as much as copying a thousand numbers.
bool write_all(int descriptor, std::span<iovec> pieces) {
  while (!pieces.empty()) {
    const ssize_t done = ::writev(descriptor, pieces.data(), static_cast<int>(std::min(pieces.size(), kMostPieces)));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    auto left = static_cast<size_t>(done);
    while (!pieces.empty() && left >= pieces[0].iov_len) {
      left -= pieces[0].iov_len;
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) break;
    if (done == 0) return false;
    pieces[0].iov_base = static_cast<char*>(pieces[0].iov_base) + left;
    pieces[0].iov_len -= left;
  }
  return true;
}

std::filesystem::path part_name(const std::filesystem::path& folder, int part) {
  return folder / fmt::format("{:04d}.part", part);
}

[[noreturn]] void fail(const std::filesystem::path& file) { fail_to_write(file, errno, "Check the disk"); }

}  // namespace

PartWriter::PartWriter(std::filesystem::path folder, std::string header, uint64_t part_bytes)
    : folder_(std::move(folder)), header_(std::move(header)), part_bytes_(part_bytes) {
  header_.append((8 - header_.size() % 8) % 8, ' ');
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    fail_with(error.value(),
              fmt::format("{}: must be a folder that can be made, got '{}'", folder_.string(), error.message()),
              "Check its name and permissions");
  if (std::filesystem::exists(part_name(folder_, 0))) {
    throw FileError(
        fmt::format("{}: must have no draws yet, got 0000.part. Choose another output folder", folder_.string()));
  }
  open_next();
}

PartWriter::PartWriter(std::filesystem::path folder, int64_t kept, uint64_t part_bytes)
    : folder_(std::move(folder)), part_bytes_(part_bytes) {
  PartReader reader(folder_);
  header_ = reader.header();
  std::pair<int, uint64_t> end = reader.place();
  for (int64_t record = 0; record < kept; ++record) {
    if (reader.next().empty()) {
      throw FileError(fmt::format("{}: must have {} draws to go on from, got {}{}{}. Start the run anew",
                                  folder_.string(), kept, record, reader.lost().empty() ? "" : "; ", reader.lost()));
    }
    end = reader.place();
  }
  // First, so that a part that may not be written is found before anything is cut off.
  file_ = part_name(folder_, end.first);
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) fail(file_);
  // From the end, so that a death in between leaves a log that is whole.
  int last = end.first;
  while (std::filesystem::exists(part_name(folder_, last + 1))) ++last;
  for (; last > end.first; --last) std::filesystem::remove(part_name(folder_, last));
  if (::ftruncate(descriptor_, static_cast<off_t>(end.second)) != 0) fail(file_);
  written_ = end.second;
  next_part_ = end.first + 1;
  sync();
  sync_folder(folder_);
}

PartWriter::~PartWriter() {
  try {
    finish();
  } catch (const FileError&) {
    // Nobody is left to tell; what was appended is as readable as the disk allows.
  }
}

void PartWriter::open_next() {
  finish();
  file_ = part_name(folder_, next_part_);
  descriptor_ = ::open(file_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(file_);
  PartStart start;
  start.part = static_cast<uint32_t>(next_part_);
  start.header_bytes = static_cast<uint32_t>(header_.size());
  start.header_crc = checksum(header_.data(), header_.size());
  std::array<iovec, 2> pieces = {{{&start, sizeof start}, {header_.data(), header_.size()}}};
  if (!write_all(descriptor_, pieces)) fail(file_);
  written_ = sizeof start + header_.size();
  ++next_part_;
  sync_folder(folder_);
}

void PartWriter::append(std::span<const std::span<const std::byte>> pieces) {
  RecordStart start;
  for (const auto& piece : pieces) {
    start.bytes += piece.size();
    start.payload_crc = checksum(piece.data(), piece.size(), start.payload_crc);
  }
  const std::array<char, 8> zeros{};
  const size_t padding = (8 - start.bytes % 8) % 8;
  start.bytes += padding;
  start.payload_crc = checksum(zeros.data(), padding, start.payload_crc);
  start.start_crc = start_checksum(start);

  if (descriptor_ < 0 || written_ + start.bytes > part_bytes_) open_next();
  std::vector<iovec> record = {{&start, sizeof start}};
  // writev() does not write to what it is given, but its type says so.
  for (const auto& piece : pieces) record.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
  if (padding > 0) record.push_back({const_cast<char*>(zeros.data()), padding});
  if (!write_all(descriptor_, record)) {
    const int reason = errno;
    if (::ftruncate(descriptor_, static_cast<off_t>(written_)) == 0) {
      ::lseek(descriptor_, static_cast<off_t>(written_), SEEK_SET);
    }
    errno = reason;
    fail(file_);
  }
  written_ += sizeof start + start.bytes;
}

void PartWriter::sync() {
  if (descriptor_ >= 0 && ::fsync(descriptor_) != 0 && errno != EINVAL) fail(file_);
}

void PartWriter::finish() {
  if (descriptor_ < 0) return;
  const bool synced = ::fsync(descriptor_) == 0 || errno == EINVAL;
  const bool closed = ::close(descriptor_) == 0;
  descriptor_ = -1;
  if (!synced || !closed) fail(file_);
}

PartReader::PartReader(const std::filesystem::path& folder) {
  std::error_code error;
  while (std::filesystem::exists(part_name(folder, static_cast<int>(parts_.size())), error)) {
    parts_.push_back(part_name(folder, static_cast<int>(parts_.size())));
  }
  if (parts_.empty()) {
    throw FileError(
        fmt::format("{}: must be a folder with 0000.part, got none. Name the folder of a run", folder.string()));
  }
  if (!open_next()) throw FileError(fmt::format("{}. The run left no draws that can be read", lost_));
}

bool PartReader::open_next() {
  const std::string name = parts_[next_part_].string();
  const auto damaged = [&](const std::string& what) {
    stop(next_part_, what);
    return false;
  };
  stream_.reset(std::fopen(name.c_str(), "rb"));
  if (!stream_) blame_machine(parts_[next_part_], errno);
  std::error_code error;
  left_ = size_ = std::filesystem::file_size(parts_[next_part_], error);
  if (!stream_ || error) return damaged("must be readable, got an error");
  PartStart start;
  if (left_ < sizeof start || std::fread(&start, sizeof start, 1, stream_.get()) != 1) {
    return damaged(fmt::format("the start must have {} bytes, got {}", sizeof start, left_));
  }
  left_ -= sizeof start;
  if (start.magic != kMagic) return damaged("must be a part of draws, got other first bytes");
  if (start.version != kVersion) {
    return damaged(fmt::format("the format must be {}, got {}", kVersion, start.version));
  }
  if (start.part != next_part_) {
    return damaged(fmt::format("the part's number must be {}, got {}", next_part_, start.part));
  }
  if (start.header_bytes > kMostHeader || start.header_bytes > left_) {
    return damaged(fmt::format("the header must have {} bytes, got {}", start.header_bytes, left_));
  }
  std::string header(start.header_bytes, ' ');
  if (std::fread(header.data(), 1, header.size(), stream_.get()) != header.size() ||
      checksum(header.data(), header.size()) != start.header_crc) {
    return damaged("the header must agree with its checksum, got another one");
  }
  if (next_part_ > 0 && header != header_) return damaged("the header must be that of 0000.part, got another one");
  header_ = std::move(header);
  left_ -= start.header_bytes;
  ++next_part_;
  return true;
}

std::span<const std::byte> PartReader::stop(size_t part, const std::string& what) {
  ended_ = true;
  stream_.reset();
  lost_ = fmt::format("{}: {}", parts_[part].string(), what);
  if (part + 1 < parts_.size()) lost_ += ", and the parts that follow are not read";
  return {};
}

std::span<const std::byte> PartReader::next() {
  if (ended_) return {};
  while (left_ == 0) {
    if (next_part_ == parts_.size()) {
      ended_ = true;
      stream_.reset();
      return {};
    }
    if (!open_next()) return {};
  }
  const size_t part = next_part_ - 1;
  RecordStart start;
  if (left_ < sizeof start || std::fread(&start, sizeof start, 1, stream_.get()) != 1) {
    return stop(part, fmt::format("the last record is torn: {} bytes of its start are there", left_));
  }
  left_ -= sizeof start;
  if (start.start_crc != start_checksum(start) || start.bytes % 8 != 0 || start.bytes == 0) {
    return stop(part, fmt::format("a record's start does not agree with its checksum; {} bytes are lost", left_));
  }
  if (start.bytes > left_) {
    return stop(part, fmt::format("the last record is torn: {} of its {} bytes are there", left_, start.bytes));
  }
  record_.resize(start.bytes / 8);
  if (std::fread(record_.data(), 1, start.bytes, stream_.get()) != start.bytes ||
      checksum(record_.data(), start.bytes) != start.payload_crc) {
    return stop(part, fmt::format("a record of {} bytes does not agree with its checksum", start.bytes));
  }
  left_ -= start.bytes;
  return std::as_bytes(std::span(record_));
}

}  // namespace potluck
