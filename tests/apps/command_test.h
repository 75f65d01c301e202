// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace potluck::testing {

/// How a process ended and what it printed.
struct CommandResult {
  int exit_code = -1;  ///< -1 where a signal ended it
  int signal = 0;
  std::string out;
  std::string err;
};

/// A program that runs with its output going to files.
class RunningCommand {
 public:
  /// @param settings  NAME=VALUE, added to an environment of HOME, PATH and nothing else
  RunningCommand(const std::vector<std::string>& words, const std::filesystem::path& folder,
                 const std::vector<std::string>& settings);
  /// Kills what still runs.
  ~RunningCommand();
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  pid_t process() const { return process_; }
  bool ended();
  void send(int signal);
  /// Waits until the program has ended, at most a minute; then it is killed and the test fails.
  CommandResult wait();

 private:
  std::filesystem::path out_, err_;
  pid_t process_ = -1;
  int status_ = 0;
};

/// Runs the built `potluck` in a folder of its own, with a home of its own.
class CommandTest : public ::testing::Test {
 protected:
  CommandTest();
  ~CommandTest() override;

  /// `potluck` with these words.
  CommandResult potluck(const std::vector<std::string>& words, const std::vector<std::string>& settings = {});
  /// The same, with the plugin of the tests named in POTLUCK_PLUGIN_PATH.
  CommandResult potluck_with_bench(const std::vector<std::string>& words,
                                   const std::vector<std::string>& settings = {});
  /// Begins `potluck` with the plugin of the tests.
  std::unique_ptr<RunningCommand> start_with_bench(const std::vector<std::string>& words,
                                                   const std::vector<std::string>& settings = {});
  /// `potluck sample` with the plugin of the tests.
  CommandResult sample(std::vector<std::string> words);
  /// `script` of a shell that knows the program as $potluck, with the plugin of the tests.
  CommandResult shell(const std::string& script);
  std::unique_ptr<RunningCommand> start_shell(const std::string& script);

  /// Every bit of every draw of a run; the test fails where some cannot be read.
  std::string records(const std::string& run) const;

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  nlohmann::json read_json(const std::string& name) const;
  bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
  /// Waits until `name` is there and is `bytes` long, at most 30 s.
  bool wait_for(const std::string& name, uintmax_t bytes) const;

  /// A composition of one model of the test plugin on `x` [4, 4], `lines` added under `sample`.
  void write_scene(const std::string& model, const std::string& sample) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace potluck::testing
