// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace potluck {

/// An append-only log of records in files 0000.part, 0001.part, ... of one folder (docs/draws-format.md). A record that
/// was appended survives the death of the process; a record torn by it is recognised by its length and CRC-32.
class PartWriter {
 public:
  /// Starts a new log in `folder`, which is created; it must have no parts yet. `header` stands in every part.
  /// @throws FileError
  PartWriter(std::filesystem::path folder, std::string header, uint64_t part_bytes = uint64_t{64} << 20);
  /// Goes on with the log in `folder` behind its first `kept` records; those that follow are cut off.
  /// @throws FileError, also where fewer records can be read
  PartWriter(std::filesystem::path folder, int64_t kept, uint64_t part_bytes = uint64_t{64} << 20);
  ~PartWriter();
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  /// Appends the pieces as one record. @throws FileError; what was appended before stays readable.
  void append(std::span<const std::span<const std::byte>> pieces);
  /// Asks the disk to keep what was appended. @throws FileError
  void sync();
  /// Syncs to disk and closes. Called by the destructor too, which swallows errors.
  void finish();

 private:
  void open_next();

  std::filesystem::path folder_;
  std::string header_;
  uint64_t part_bytes_;
  int descriptor_ = -1;
  int next_part_ = 0;
  uint64_t written_ = 0;  ///< bytes in the open part
  std::filesystem::path file_;
};

/// Reads the records of a log in order, one in memory at a time.
class PartReader {
 public:
  /// @throws FileError where there is no part, or the first one's header is damaged.
  explicit PartReader(const std::filesystem::path& folder);

  const std::string& header() const { return header_; }
  /// The next record's bytes, aligned to 8, valid until the next call; empty at the end. A record is never empty.
  std::span<const std::byte> next();
  /// Where the next record would stand: number of the part, and bytes from its beginning.
  std::pair<int, uint64_t> place() const { return {static_cast<int>(next_part_) - 1, size_ - left_}; }
  /// After the end: what could not be read, such as "runs/a/draws/0003.part: the last record is torn: 512 of its
  /// 4096 bytes are there"; empty when everything was read.
  const std::string& lost() const { return lost_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  bool open_next();
  /// Ends the reading at `part`, with what is lost there.
  std::span<const std::byte> stop(size_t part, const std::string& what);

  std::vector<std::filesystem::path> parts_;
  size_t next_part_ = 0;
  std::string header_;
  std::unique_ptr<std::FILE, Close> stream_;
  uint64_t size_ = 0;  ///< bytes of the open part
  uint64_t left_ = 0;  ///< of them those that were not read yet
  std::vector<uint64_t> record_;
  std::string lost_;
  bool ended_ = false;
};

}  // namespace potluck
