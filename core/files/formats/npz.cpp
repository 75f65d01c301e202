// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/npz.h"

#include <libdeflate.h>

#include <stdexcept>

#include "core/files/formats/array.h"
#include "core/files/formats/npy.h"

namespace potluck {

namespace {

// Fields of the APPNOTE. 0xffff and 0xffffffff: the number stands in the 64-bit field.
constexpr uint16_t kVersion = 45;         // 4.5, the first with 64-bit lengths
constexpr uint16_t kMadeOnUnix = 3 << 8;  // whose permissions are in the external attributes
constexpr uint16_t kUtf8Names = 1 << 11;
constexpr uint16_t kFirstDay = 1 << 5 | 1;  // 1980-01-01: the same bytes whenever they are written
constexpr uint32_t kPlainFile = 0100644u << 16;
constexpr uint16_t kElsewhere16 = 0xffff;
constexpr uint32_t kElsewhere32 = 0xffffffff;
constexpr uint16_t kLengthsField = 1;

/// Little-endian numbers one after the other.
class Record {
 public:
  Record& two(uint16_t number) { return put(number, 2); }
  Record& four(uint32_t number) { return put(number, 4); }
  Record& eight(uint64_t number) { return put(number, 8); }
  Record& text(const std::string& letters) {
    bytes_ += letters;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(uint64_t number, int count) {
    for (int i = 0; i < count; ++i) bytes_ += static_cast<char>(number >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes_;
};

std::string local_header(const std::string& name, uint64_t bytes, uint32_t crc) {
  Record record;
  record.four(0x04034b50).two(kVersion).two(kUtf8Names).two(0).two(0).two(kFirstDay).four(crc);
  record.four(kElsewhere32).four(kElsewhere32).two(static_cast<uint16_t>(name.size())).two(20).text(name);
  return record.two(kLengthsField).two(16).eight(bytes).eight(bytes).bytes();
}

std::string central_header(const std::string& name, uint64_t bytes, uint32_t crc, uint64_t begin) {
  Record record;
  record.four(0x02014b50).two(kVersion | kMadeOnUnix).two(kVersion).two(kUtf8Names).two(0).two(0).two(kFirstDay);
  record.four(crc).four(kElsewhere32).four(kElsewhere32).two(static_cast<uint16_t>(name.size())).two(28).two(0);
  record.two(0).two(0).four(kPlainFile).four(kElsewhere32).text(name);
  return record.two(kLengthsField).two(24).eight(bytes).eight(bytes).eight(begin).bytes();
}

std::string end_of_archive(uint64_t members, uint64_t begin, uint64_t bytes) {
  Record record;
  record.four(0x06064b50).eight(44).two(kVersion | kMadeOnUnix).two(kVersion).four(0).four(0);
  record.eight(members).eight(members).eight(bytes).eight(begin);
  record.four(0x07064b50).four(0).eight(begin + bytes).four(1);
  record.four(0x06054b50).two(0).two(0).two(kElsewhere16).two(kElsewhere16).four(kElsewhere32).four(kElsewhere32);
  return record.two(0).bytes();
}

/// Of one number: "<f8" 8, "<U7" 28.
uint64_t bytes_of_type(const std::string& type) {
  const uint64_t count = std::stoull(type.substr(2));
  return type[1] == 'U' ? 4 * count : count;
}

}  // namespace

NpzWriter::NpzWriter(const std::filesystem::path& file, const std::vector<Member>& members) : target_(file) {
  for (const Member& member : members) {
    const std::string start = npy_start(member.type, member.shape, file);
    Entry entry{member.name + ".npy", end_, 0, 0, 0};
    entry.bytes = start.size() + static_cast<uint64_t>(count_of(member.shape)) * bytes_of_type(member.type);
    end_ = contents_of(entry) + entry.bytes;
    entries_.push_back(entry);
    append(entries_.size() - 1, start.data(), start.size());
  }
}

uint64_t NpzWriter::contents_of(const Entry& entry) const {
  return entry.begin + local_header(entry.name, 0, 0).size();
}

void NpzWriter::append(size_t member, const void* bytes, size_t count) {
  Entry& entry = entries_.at(member);
  if (count > entry.bytes - entry.done) throw std::logic_error("an array of a .npz got more bytes than its shape has");
  if (count == 0) return;  // libdeflate would begin anew for a null pointer
  entry.crc = libdeflate_crc32(entry.crc, bytes, count);
  target_.write_at(contents_of(entry) + entry.done, bytes, count);
  entry.done += count;
}

void NpzWriter::finish() {
  std::string last;
  for (const Entry& entry : entries_) {
    if (entry.done != entry.bytes) throw std::logic_error("an array of a .npz got fewer bytes than its shape has");
    const std::string header = local_header(entry.name, entry.bytes, entry.crc);
    target_.write_at(entry.begin, header.data(), header.size());
    last += central_header(entry.name, entry.bytes, entry.crc, entry.begin);
  }
  last += end_of_archive(entries_.size(), end_, last.size());
  target_.write_at(end_, last.data(), last.size());
  target_.commit();
}

}  // namespace potluck
