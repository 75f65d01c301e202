// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/process/last_words.h"
#include "apps/record/run_record.h"
#include "core/files/run/draws.h"
#include "core/sampling/run/observer.h"

namespace potluck {

/// Appends every draw to the parts, while the chains move on.
class DrawsRecorder final : public Observer {
 public:
  explicit DrawsRecorder(DrawsWriter& writer) : writer_(writer) {}
  void record(const Draw& draw) override {
    writer_.append(draw);
    ++count_;
  }
  int64_t count() const { return count_; }

 private:
  DrawsWriter& writer_;
  int64_t count_ = 0;
};

/// Notes in run.json what is known before the end.
class BeginningRecorder final : public Observer {
 public:
  BeginningRecorder(const std::filesystem::path& folder, RunRecord& record, LastWords& last_words)
      : folder_(folder), record_(record), last_words_(last_words) {}
  void began(const Beginning& beginning) override;

 private:
  const std::filesystem::path folder_;
  RunRecord& record_;
  LastWords& last_words_;
};

/// Leaves checkpoints: each once the draws before it are on the disk.
class CheckpointRecorder final : public Observer {
 public:
  CheckpointRecorder(std::filesystem::path folder, nlohmann::json belonging, DrawsWriter& writer)
      : folder_(std::move(folder)), belonging_(std::move(belonging)), writer_(writer) {}
  void checkpointed(std::span<const std::byte> state, int64_t draws) override;

 private:
  std::filesystem::path folder_;
  nlohmann::json belonging_;
  DrawsWriter& writer_;
};

}  // namespace potluck
