// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/checkpoint_file.h"

#include <fmt/format.h>

#include <array>
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

namespace potluck {

namespace {

constexpr std::array<char, 8> kMagic = {'P', 'O', 'T', 'L', 'U', 'C', 'K', 'C'};
constexpr uint32_t kVersion = 1;
constexpr size_t kStart = kMagic.size() + 8;  // magic, version, length of the header
constexpr size_t kDigest = 64;                // SHA-256 of all before it, in hexadecimal digits

[[noreturn]] void damaged(const std::filesystem::path& file, const std::string& what) {
  throw FileError(fmt::format("{}: {}. The draws that are there stay good: `potluck export` makes use of them",
                              file.string(), what));
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
  const nlohmann::json header = {
      {"belongs", utf8_of_bytes_in(belongs)}, {"draws", draws}, {"state_bytes", state.size()}};
  const std::string text = header.dump();
  const uint32_t numbers[] = {kVersion, static_cast<uint32_t>(text.size())};
  AtomicFile out(file);
  Sha256 digest;
  const auto write = [&](const void* bytes, size_t count) {
    digest.update(bytes, count);
    out.write(bytes, count);
  };
  write(kMagic.data(), kMagic.size());
  write(numbers, sizeof numbers);
  write(text.data(), text.size());
  write(state.data(), state.size());
  const std::string hex = digest.hex();
  out.write(hex.data(), hex.size());
  out.commit();
}

Checkpoint read_checkpoint(const std::filesystem::path& run_folder) {
  const std::filesystem::path file = checkpoint_file(run_folder);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw FileError(
        fmt::format("{}: a run must have a checkpoint to be resumed, got none. A run writes one where it ends or is "
                    "interrupted, and every N steps with --checkpoint-every N",
                    run_folder.string()));
  }
  const std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (bytes.size() < kStart + kDigest || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    damaged(file, fmt::format("must be a checkpoint, got {} bytes of something else", bytes.size()));
  uint32_t numbers[2];
  std::memcpy(numbers, bytes.data() + kMagic.size(), sizeof numbers);
  if (numbers[0] != kVersion)
    damaged(file, fmt::format("the format of the checkpoint must be {}, got {}", kVersion, numbers[0]));
  const size_t covered = bytes.size() - kDigest;
  if (sha256_of_text(std::string_view(bytes).substr(0, covered)) != bytes.substr(covered))
    damaged(file, "the checkpoint must agree with its SHA-256, got another one");
  // Whoever made the file made the digest too: lengths are held against the file even so.
  if (numbers[1] > covered - kStart)
    damaged(file, fmt::format("the header must have {} bytes, got {}", numbers[1], covered - kStart));
  const std::string where = file.string() + ": the header";
  const auto header = parse_json<nlohmann::json>(std::string_view(bytes).substr(kStart, numbers[1]), where);
  const JsonInput<nlohmann::json> in(header, where);
  const size_t state_bytes = covered - kStart - numbers[1];
  if (static_cast<uint64_t>(in.at("state_bytes").whole(0)) != state_bytes)
    damaged(file, fmt::format("the state must have {} bytes, got {}", in.at("state_bytes").whole(), state_bytes));
  Checkpoint checkpoint{bytes_of_utf8_in(in.at("belongs").value()), in.at("draws").whole(0), {}};
  const auto* state = reinterpret_cast<const std::byte*>(bytes.data()) + kStart + numbers[1];
  checkpoint.state.assign(state, state + state_bytes);
  return checkpoint;
}

bool has_checkpoint(const std::filesystem::path& run_folder) {
  return std::filesystem::exists(checkpoint_file(run_folder));
}

}  // namespace potluck
