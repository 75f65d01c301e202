// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/draws_pass.h"

#include <utility>

namespace potluck {

size_t DrawsPass::add(Make make) {
  entries_.push_back({std::move(make), nullptr, nullptr});
  return entries_.size() - 1;
}

/// Unless the consumer has failed before.
template <class Work>
void DrawsPass::attempt(Entry& entry, const Work& work) {
  if (entry.error) return;
  try {
    work();
  } catch (...) {
    entry.error = std::current_exception();
    entry.consumer.reset();  // an unfinished file takes room that others need
  }
}

void DrawsPass::read() {
  try {
    if (end_ && read_up_to(*end_)) return;
    end_ = find_end(run_folder_);
    read_up_to(*end_);
  } catch (...) {
    for (Entry& entry : entries_) attempt(entry, [] { throw; });
  }
}

/// Returns whether all of those draws are there.
bool DrawsPass::read_up_to(const DrawsEnd& end) {
  DrawsReader reader(run_folder_);
  for (Entry& entry : entries_) {
    entry.error = nullptr;
    entry.consumer.reset();
    attempt(entry, [&] { entry.consumer = entry.make(reader.schema(), end); });
  }
  for (int64_t at = 0; at < end.draws; ++at) {
    const Draw* draw = reader.next();
    if (draw == nullptr) return false;
    for (Entry& entry : entries_) attempt(entry, [&] { entry.consumer->take(*draw); });
  }
  return true;
}

void DrawsPass::finish(size_t consumer) {
  Entry& entry = entries_.at(consumer);
  if (entry.error) std::rethrow_exception(entry.error);
  entry.consumer->finish();
}

void pass_draws(const std::filesystem::path& run_folder, DrawsPass::Make make) {
  DrawsPass pass(run_folder);
  const size_t only = pass.add(std::move(make));
  pass.read();
  pass.finish(only);
}

}  // namespace potluck
