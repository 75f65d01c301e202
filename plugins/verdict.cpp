// SPDX-License-Identifier: Apache-2.0
#include "plugins/verdict.h"

#include <fstream>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "plugins/library.h"

namespace potluck {

namespace {

// A file of a verdict has three lines: what it is, for which host, and the verdict.
constexpr char kTitle[] = "potluck verdict 1";
constexpr char kFit[] = "fit";
constexpr char kUnfit[] = "unfit: ";

std::string host() { return std::string("Potluck " POTLUCK_VERSION ", LibTorch ") + libtorch_build(); }

}  // namespace

Verdicts::Verdicts(std::filesystem::path folder) : folder_(std::move(folder)) {}

std::optional<Verdict> Verdicts::find(const std::string& sha256) const {
  if (folder_.empty()) return std::nullopt;
  std::ifstream stream(folder_ / sha256);
  std::string title, for_host, verdict;
  std::getline(stream, title);
  std::getline(stream, for_host);
  std::getline(stream, verdict);
  if (!stream || title != kTitle || for_host != host()) return std::nullopt;
  if (verdict == kFit) return Verdict{true, ""};
  if (verdict.starts_with(kUnfit)) return Verdict{false, verdict.substr(sizeof kUnfit - 1)};
  return std::nullopt;
}

void Verdicts::keep(const std::string& sha256, const Verdict& verdict) const {
  if (folder_.empty() || !verdict.lasting) return;
  std::error_code ignored;
  std::filesystem::create_directories(folder_, ignored);
  try {
    write_whole_file(folder_ / sha256, std::string(kTitle) + '\n' + host() + '\n' +
                                           (verdict.fit ? kFit : kUnfit + verdict.reason) + '\n');
  } catch (const FileError&) {
    // The next process judges again.
  }
}

}  // namespace potluck
