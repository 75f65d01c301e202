// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

#include "core/files/run/draws.h"

namespace potluck {

/// Counts from construction on how often each part of a run's draws is opened, as the kernel says it.
class OpenedParts {
 public:
  explicit OpenedParts(const std::filesystem::path& run_folder) : descriptor_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    EXPECT_GE(inotify_add_watch(descriptor_, draws_folder(run_folder).c_str(), IN_OPEN), 0);
  }
  ~OpenedParts() { close(descriptor_); }
  OpenedParts(const OpenedParts&) = delete;
  OpenedParts& operator=(const OpenedParts&) = delete;

  /// "0000.part" -> 1; parts that were not opened are not in it.
  std::map<std::string, int> count() {
    std::array<char, 4096> bytes;
    for (ssize_t got = read(descriptor_, bytes.data(), bytes.size()); got > 0;
         got = read(descriptor_, bytes.data(), bytes.size())) {
      for (ssize_t at = 0; at < got;) {
        inotify_event event;
        std::memcpy(&event, bytes.data() + at, sizeof event);
        const std::string name = event.len > 0 ? bytes.data() + at + sizeof event : "";
        if (name.ends_with(".part")) ++opened_[name];
        at += static_cast<ssize_t>(sizeof event + event.len);
      }
    }
    return opened_;
  }

 private:
  int descriptor_;
  std::map<std::string, int> opened_;
};

}  // namespace potluck
