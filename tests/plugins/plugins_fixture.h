// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/error.h"
#include "plugins/registry.h"

namespace potluck {

/// A folder that goes away with the test, and plugins of the zoo to put into it.
class PluginsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "potluck-plugins-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = std::filesystem::canonical(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::filesystem::path zoo(const std::string& name) {
    return std::filesystem::path(POTLUCK_ZOO_DIR) / (name + ".potluck.so");
  }

  /// Copies a plugin of the zoo into the folder (or one below it) under the name it is given.
  std::filesystem::path put(const std::string& name, const std::filesystem::path& as) {
    const std::filesystem::path to = folder_ / as;
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy_file(zoo(name), to);
    std::filesystem::permissions(to, std::filesystem::perms(0755));
    return to;
  }

  std::filesystem::path write(const std::string& name, const std::string& contents) {
    std::ofstream(folder_ / name, std::ios::binary) << contents;
    return folder_ / name;
  }

  /// A registry that judges anew and trusts whoever built the tests.
  static Registry::Options open_options() {
    Registry::Options options;
    options.allow_world_writable = true;
    return options;
  }

  /// The text of the error that `body` throws, or "nothing thrown".
  template <typename Body>
  static std::string error_of(Body body) {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing thrown";
  }

  std::filesystem::path folder_;
};

}  // namespace potluck
