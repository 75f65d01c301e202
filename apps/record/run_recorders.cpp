// SPDX-License-Identifier: Apache-2.0
#include "apps/record/run_recorders.h"

#include "core/files/run/checkpoint_file.h"

namespace potluck {

void BeginningRecorder::began(const Beginning& beginning) {
  note_beginning(record_, beginning);
  write_record(folder_, record_);
  last_words_.renew(record_);
}

void CheckpointRecorder::checkpointed(std::span<const std::byte> state, int64_t draws) {
  writer_.sync();
  write_checkpoint(folder_, belonging_, draws, state);
}

}  // namespace potluck
