// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/checkpoint_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/json_input.h"
#include "core/files/formats/sha256.h"
#include "core/files/formats/utf8_text.h"
#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

constexpr std::array<char, 8> kMagic = {'P', 'O', 'T', 'L', 'U', 'C', 'K', 'C'};
constexpr uint32_t kVersion = 1;
constexpr size_t kStart = kMagic.size() + 8;  // magic, version, length of the header
constexpr size_t kDigest = 64;                // SHA-256 of all before it, in hexadecimal digits

/// Gives the parts of a checkpoint to `write(bytes, count)`, one behind the other.
template <class Write>
void write_parts(const nlohmann::json& belongs, int64_t draws, std::span<const std::byte> state, const Write& write) {
  const nlohmann::json header = {
      {"belongs", utf8_of_bytes_in(belongs)}, {"draws", draws}, {"state_bytes", state.size()}};
  const std::string text = header.dump();
  const uint32_t numbers[] = {kVersion, static_cast<uint32_t>(text.size())};
  Sha256 digest;
  const auto signed_write = [&](const void* bytes, size_t count) {
    digest.update(bytes, count);
    write(bytes, count);
  };
  signed_write(kMagic.data(), kMagic.size());
  signed_write(numbers, sizeof numbers);
  signed_write(text.data(), text.size());
  signed_write(state.data(), state.size());
  const std::string hex = digest.hex();
  write(hex.data(), hex.size());
}

}  // namespace

std::filesystem::path checkpoint_file(const std::filesystem::path& run_folder) {
  return run_folder / "checkpoint" / "latest";
}

void write_checkpoint(const std::filesystem::path& run_folder, const nlohmann::json& belongs, int64_t draws,
                      std::span<const std::byte> state) {
  const std::filesystem::path file = checkpoint_file(run_folder);
  std::error_code ignored;  // what is wrong with the folder is said when the file is made
  std::filesystem::create_directories(file.parent_path(), ignored);
  AtomicFile out(file);
  write_parts(belongs, draws, state, [&out](const void* bytes, size_t count) { out.write(bytes, count); });
  out.commit();
}

std::string checkpoint_bytes(const nlohmann::json& belongs, int64_t draws, std::span<const std::byte> state) {
  std::string all;
  write_parts(belongs, draws, state,
              [&all](const void* bytes, size_t count) { all.append(static_cast<const char*>(bytes), count); });
  return all;
}

Checkpoint read_checkpoint(const std::filesystem::path& run_folder) {
  const std::filesystem::path file = checkpoint_file(run_folder);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    blame_machine(file, errno);
    throw FileError(
        fmt::format("{}: a run must have a checkpoint to be resumed, got none. A run writes one where it ends or is "
                    "interrupted, and every N steps with --checkpoint-every N",
                    run_folder.string()));
  }
  const std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  return checkpoint_of_bytes(bytes, file.string(),
                             "The draws that are there stay good: `potluck export` makes use of them");
}

Checkpoint checkpoint_of_bytes(std::string_view bytes, const std::string& where, const std::string& advice) {
  const auto damaged = [&](const std::string& what) {
    throw FileError(fmt::format("{}: {}. {}", where, what, advice));
  };
  if (bytes.size() < kStart + kDigest || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    damaged(fmt::format("must be a checkpoint, got {} bytes of something else", bytes.size()));
  uint32_t numbers[2];
  std::memcpy(numbers, bytes.data() + kMagic.size(), sizeof numbers);
  if (numbers[0] != kVersion)
    damaged(fmt::format("the format of the checkpoint must be {}, got {}", kVersion, numbers[0]));
  const size_t covered = bytes.size() - kDigest;
  if (sha256_of_text(bytes.substr(0, covered)) != bytes.substr(covered))
    damaged("the checkpoint must agree with its SHA-256, got another one");
  // Whoever made the bytes made the digest too: lengths are held against them even so.
  if (numbers[1] > covered - kStart)
    damaged(fmt::format("the header must have {} bytes, got {}", numbers[1], covered - kStart));
  const std::string header_of = where + ": the header";
  const auto header = parse_json<nlohmann::json>(bytes.substr(kStart, numbers[1]), header_of);
  const JsonInput<nlohmann::json> in(header, header_of);
  const size_t state_bytes = covered - kStart - numbers[1];
  if (static_cast<uint64_t>(in.at("state_bytes").whole(0)) != state_bytes)
    damaged(fmt::format("the state must have {} bytes, got {}", in.at("state_bytes").whole(), state_bytes));
  Checkpoint checkpoint{bytes_of_utf8_in(in.at("belongs").value()), in.at("draws").whole(0), {}};
  const auto* state = reinterpret_cast<const std::byte*>(bytes.data()) + kStart + numbers[1];
  checkpoint.state.assign(state, state + state_bytes);
  return checkpoint;
}

bool has_checkpoint(const std::filesystem::path& run_folder) {
  return std::filesystem::exists(checkpoint_file(run_folder));
}

}  // namespace potluck
