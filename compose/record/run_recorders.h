// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "compose/record/last_words.h"
#include "compose/record/run_facts.h"
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

/// Notes in the facts, run.json and the last words what is known before the end.
class BeginningRecorder final : public Observer {
 public:
  BeginningRecorder(const std::filesystem::path& folder, RunFacts& facts, LastWords& last_words)
      : folder_(folder), facts_(facts), last_words_(last_words) {}
  void began(const Beginning& beginning) override;

 private:
  const std::filesystem::path folder_;
  RunFacts& facts_;
  LastWords& last_words_;
};

/// Leaves checkpoints: each once the draws before it are on the disk.
class CheckpointRecorder final : public Observer {
 public:
  CheckpointRecorder(std::filesystem::path folder, nlohmann::json identity, DrawsWriter& writer)
      : folder_(std::move(folder)), identity_(std::move(identity)), writer_(writer) {}
  void checkpointed(std::span<const std::byte> state, int64_t draws) override;

 private:
  std::filesystem::path folder_;
  nlohmann::json identity_;  ///< run_identity()
  DrawsWriter& writer_;
};

}  // namespace potluck
