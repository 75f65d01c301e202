// SPDX-License-Identifier: Apache-2.0
#include "apps/record/evidence_folder.h"

#include <fmt/format.h>

#include <system_error>

#include "core/files/formats/atomic_file.h"
#include "core/files/run/checkpoint_file.h"
#include "core/version.h"

namespace potluck {

namespace filesystem = std::filesystem;

RunRecord open_evidence_record(const Session& session, const EvidenceAsked& asked, const Words& words) {
  const SampleSettings& sample = session.composition().sample;
  RunRecord record;
  record["potluck"] = kVersion;
  record["state"] = "running";
  record["started"] = time_now();
  record["ended"] = nullptr;
  record["command"] = Words{"potluck", "evidence"};
  for (const std::string& word : words) record["command"].push_back(word);
  record["folder"] = filesystem::current_path().string();  // of the file's name
  record["file"] = session.composition().file;
  record["annealing"] = {{"particles", asked.options.particles},
                         {"repeats", asked.repeats},
                         {"moves", asked.options.moves},
                         {"base-mean", asked.options.base.mean},
                         {"base-scale", asked.options.base.scale}};
  record["seed"] = sample.seed;
  record["temperature"] = sample.temperature;
  record["precision"] = sample.precision == Precision::kFloat32 ? "float32" : "float64";
  add_surroundings(record, session);
  return record;
}

EvidenceFolder::EvidenceFolder(std::unique_ptr<RunFolder> folder, RunRecord record)
    : folder_(std::move(folder)), record_(std::move(record)), last_words_(folder_->path(), record_) {
  write_record(path(), record_);
}

void EvidenceFolder::finish(const std::string& json) {
  write_whole_file(path() / "evidence.json", json);
  // Behind it, so that what a kill cuts short before can be gone on with; what it cuts short behind it is whole.
  close("done");
  folder_->publish();
  // Nothing goes on from an estimate that is done.
  std::error_code ignored;
  filesystem::remove_all(path() / "checkpoint", ignored);
}

void EvidenceFolder::interrupt() {
  close("interrupted");
  folder_->keep();
}

void EvidenceFolder::leave(const RunRecord& before) {
  write_record(path(), before);
  last_words_.withdraw();
  folder_->keep();
}

bool EvidenceFolder::fail(const std::string& error) {
  if (!has_checkpoint(path())) return false;
  record_["why_stopped"] = error;
  record_["state"] = "failed";
  record_["ended"] = time_now();
  write_or_leave(path(), record_);
  folder_->keep();
  return true;
}

std::string EvidenceFolder::how_to_go_on() const {
  return fmt::format("To go on: potluck evidence --resume {}", path().string());
}

void EvidenceFolder::close(const char* state) {
  record_["state"] = state;
  record_["ended"] = time_now();
  write_record(path(), record_);
  last_words_.withdraw();
}

}  // namespace potluck
