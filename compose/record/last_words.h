// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace potluck {

/// What run.json says where a process ends before it can write its record: by a second Ctrl-C, by an exception that
/// nothing catches, on a disk that is full. From construction to withdraw(), a file beside run.json holds the record
/// with room for the state and the reason. It needs neither memory nor room on the disk any more to be finished and
/// given its name. At most one object at a time.
class LastWords {
 public:
  /// Nothing is prepared where the file cannot be written.
  LastWords(const std::filesystem::path& folder, const nlohmann::ordered_json& record);
  ~LastWords() { withdraw(); }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  /// The same with a record that knows more. Those of before stay where the new ones cannot be written.
  void renew(const nlohmann::ordered_json& record);

  /// They are not needed any more: the file is removed, also where the folder has been renamed.
  void withdraw() noexcept;

 private:
  std::filesystem::path folder_;
  int turn_ = 0;
  std::vector<std::shared_ptr<const void>> renewed_;  ///< those of before
};

/// Writes the last words of this process, with `state` ("failed", "cut short") and `why`, under the name run.json. May
/// be called in a signal handler, and by several threads: the first is heard.
/// @returns false where there are none, the disk refuses even that, or `state` or `why` is something else
bool leave_last_words(const char* state, const char* why) noexcept;

}  // namespace potluck
