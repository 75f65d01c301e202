// SPDX-License-Identifier: Apache-2.0
#include <libdeflate.h>

#include <cstring>

#include "core/error.h"
#include "core/files/run/draws.h"
#include "tests/fuzz/fuzz_folder.h"

namespace {

void read(const potluck::fuzz::Folder& folder) {
  try {
    potluck::DrawsReader reader(folder.path());
    while (const potluck::Draw* draw = reader.next()) {
      double sum = 0;
      for (int64_t chain = 0; chain < draw->chains; ++chain) sum += draw->energy[chain] + draw->frozen[chain];
      for (size_t v = 0; v < draw->position.size(); ++v) {
        const auto& variable = reader.schema().variables[v];
        const size_t bytes = static_cast<size_t>(draw->chains * variable.size()) *
                             (variable.categories > 0 ? 8 : potluck::bytes_of(reader.schema().precision));
        const auto* first = static_cast<const uint8_t*>(draw->position[v]);
        for (size_t i = 0; i < bytes; ++i) sum += first[i];
      }
      [[maybe_unused]] static volatile double kept;
      kept = sum;
    }
  } catch (const potluck::Error&) {
  }
}

template <typename Number>
void put(std::string& bytes, size_t at, Number number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}

uint32_t checksum(const std::string& bytes, size_t at, size_t count) {
  return count == 0 ? 0 : libdeflate_crc32(0, bytes.data() + at, count);
}

/// The part with the magic, the version and all checksums set right, as long as its lengths lead to a next record.
std::string made_right(std::string bytes) {
  constexpr size_t kStart = 24, kRecord = 16;
  if (bytes.size() < kStart) return bytes;
  std::memcpy(bytes.data(), "POTLUCK\n\1\0\0\0\0\0\0\0", 16);
  uint32_t header = 0;
  std::memcpy(&header, bytes.data() + 16, 4);
  header = header % 4096 / 8 * 8;
  if (header > bytes.size() - kStart) return bytes;
  put(bytes, 16, header);
  put(bytes, 20, checksum(bytes, kStart, header));
  for (size_t at = kStart + header; bytes.size() - at >= kRecord;) {
    uint64_t count = 0;
    std::memcpy(&count, bytes.data() + at, 8);
    if (count > bytes.size() - at - kRecord) break;
    put(bytes, at + 8, checksum(bytes, at + kRecord, count));
    put(bytes, at + 12, checksum(bytes, at, 12));
    at += kRecord + count;
  }
  return bytes;
}

}  // namespace

/// The first part of a run's draws as it is, and once more with right checksums, which lets any header through.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const std::string bytes(potluck::fuzz::text_of(data, size));
  folder.write("draws/0000.part", bytes);
  read(folder);
  folder.write("draws/0000.part", made_right(bytes));
  read(folder);
  return 0;
}
