// SPDX-License-Identifier: Apache-2.0
#include "compose/record/record_folder.h"

#include <system_error>

#include "compose/record/run_course.h"
#include "compose/record/run_facts_json.h"
#include "compose/record/run_record.h"
#include "core/files/run/checkpoint_file.h"

namespace potluck {

namespace filesystem = std::filesystem;

RecordFolder::RecordFolder(std::unique_ptr<RunFolder> folder, RunFacts facts)
    : folder_(std::move(folder)), facts_(std::move(facts)), last_words_(folder_->path(), to_json(facts_)) {
  write_record(path(), facts_);
}

void RecordFolder::finish() {
  // What a kill cuts short before can be gone on with; what it cuts short behind it is whole.
  close("done");
  folder_->publish();
  // Nothing goes on from what is done.
  std::error_code ignored;
  filesystem::remove_all(path() / "checkpoint", ignored);
}

void RecordFolder::interrupt() {
  close("interrupted");
  folder_->keep();
}

void RecordFolder::leave(const RunFacts& before) {
  write_record(path(), before);
  last_words_.withdraw();
  folder_->keep();
}

bool RecordFolder::fail(const std::string& error) {
  if (!has_checkpoint(path())) return false;
  note_failure(facts_, error);
  write_or_leave(path(), facts_);
  folder_->keep();
  return true;
}

void RecordFolder::close(const char* state) {
  facts_.standing.state = state;
  facts_.standing.ended = time_now();
  write_record(path(), facts_);
  last_words_.withdraw();
}

}  // namespace potluck
