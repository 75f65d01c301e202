// SPDX-License-Identifier: Apache-2.0
#include "compose/file/source_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "core/files/formats/safetensors.h"
#include "core/files/formats/sha256.h"
#include "core/files/formats/write_error.h"
#include "plugins/weights.h"

namespace potluck {

std::filesystem::path SourceFiles::absolute_path(const Yaml& value) const {
  std::filesystem::path path = value.text;
  if (const auto folder = folders_.find(value.place.file); folder != folders_.end())
    path = folder->second / path;
  else if (value.place.line > 0)
    path = std::filesystem::path(value.place.file).parent_path() / path;
  return std::filesystem::absolute(path).lexically_normal();
}

std::filesystem::path SourceFiles::resolve(const Yaml& value) {
  std::filesystem::path path = absolute_path(value);
  resolved_[&value] = path.string();
  return path;
}

std::optional<std::filesystem::path> SourceFiles::require(const Yaml& value, const std::string& what) {
  if (!value.is_scalar() || value.text.empty()) {
    diagnostics_.add(value.place, fmt::format("{} must be the path of a file, got {}", what, value.describe()));
    return {};
  }
  const std::filesystem::path path = resolve(value);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    const auto folder = folders_.find(value.place.file);
    const std::string of = folder != folders_.end() ? folder->second.string()
                           : value.place.line > 0   ? "the file that says them"
                                                    : "the working directory";
    diagnostics_.add(value.place, fmt::format("{} must be a file that is there, got '{}'. Paths are relative to {}",
                                              what, value.text, of));
    return {};
  }
  try {
    if (hashes_.count(path.string()) == 0) hashes_[path.string()] = sha256_of_file(path);
    return path;
  } catch (const FileError& failure) {
    diagnostics_.add(value.place, failure.what());
    return {};
  }
}

std::string bounded_text(const std::filesystem::path& path, const std::string& name) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    blame_machine(name, errno);
    throw FileError(fmt::format("{}: must be a file that can be read. Check the path", name));
  }
  std::string text;
  std::vector<char> piece(size_t{1} << 16);
  while (stream && text.size() <= kMostBytes) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece.data(), static_cast<size_t>(stream.gcount()));
  }
  if (text.size() > kMostBytes)
    throw FileError(
        fmt::format("{}: a composition must have at most {} MiB, got more. Keep large numbers in files of "
                    "their own, such as .npy and .safetensors",
                    name, kMostBytes >> 20));
  if (stream.bad()) throw FileError(fmt::format("{}: reading failed", name));
  return text;
}

std::string SourceFiles::text(const std::filesystem::path& path) {
  std::error_code error;
  // First, as a pipe that nobody writes to cannot be opened without waiting.
  if (!std::filesystem::is_regular_file(path, error))
    throw FileError(fmt::format("{}: must be a file that can be read. Check the path", path.string()));
  std::string text = bounded_text(path, path.string());
  hashes_[path.lexically_normal().string()] = sha256_of_text(text);
  return text;
}

std::shared_ptr<const WeightsFile> SourceFiles::weights(const Yaml& value, const std::string& what) {
  const bool missing = value.is_scalar() && !value.text.empty() && !std::filesystem::exists(absolute_path(value));
  if (missing && makes_weights_) {
    resolve(value);
    return nullptr;
  }
  if (missing && weights_are_learned_) {
    diagnostics_.add(value.place, fmt::format("{} must be a file that is there, got '{}'. `potluck train` of this file "
                                              "makes it",
                                              what, value.text));
    return nullptr;
  }
  const auto path = require(value, what);
  if (!path) return nullptr;
  const auto known = weights_.find(path->string());
  if (known != weights_.end()) return known->second;
  std::shared_ptr<WeightsFile> file;
  try {
    const Safetensors contents = read_safetensors(*path);
    file = std::make_shared<WeightsFile>();
    file->path = path->string();
    file->sha256 = hashes_.at(path->string());
    for (const auto& [name, array] : contents.arrays) file->arrays.push_back(weight_of(name, array));
    file->metadata = contents.metadata;
  } catch (const FileError& failure) {
    file.reset();
    diagnostics_.add(value.place, fmt::format("{} must be a safetensors file. {}", what, failure.what()));
  }
  return weights_[path->string()] = file;
}

}  // namespace potluck
