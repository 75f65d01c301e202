// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_recorders.h"

#include "compose/record/run_course.h"
#include "compose/record/run_facts_json.h"
#include "compose/record/run_record.h"
#include "core/files/run/checkpoint_file.h"

namespace potluck {

void BeginningRecorder::began(const Beginning& beginning) {
  note_beginning(facts_, beginning);
  write_record(folder_, facts_);
  last_words_.renew(to_json(facts_));
}

void CheckpointRecorder::checkpointed(std::span<const std::byte> state, int64_t draws) {
  writer_.sync();
  write_checkpoint(folder_, identity_, draws, state);
}

}  // namespace potluck
