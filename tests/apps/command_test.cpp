// SPDX-License-Identifier: Apache-2.0
#include "tests/apps/command_test.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/files/run/parts.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using namespace std::chrono_literals;

std::string contents(const filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

filesystem::path new_folder() {
  std::string name = (filesystem::temp_directory_path() / "potluck-apps-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
  return name;
}

}  // namespace

RunningCommand::RunningCommand(const std::vector<std::string>& words, const filesystem::path& folder,
                               const std::vector<std::string>& settings) {
  static int count = 0;
  out_ = folder / fmt::format(".out{}", ++count);
  err_ = folder / fmt::format(".err{}", count);
  std::vector<std::string> arguments = words;
  std::vector<std::string> environment = {"HOME=" + folder.string(), "PATH=/usr/bin:/bin"};
  // What the thread sanitizer is told about libraries holds for the commands too.
  if (const char* const options = std::getenv("TSAN_OPTIONS"))
    environment.push_back(fmt::format("TSAN_OPTIONS={}", options));
  environment.insert(environment.end(), settings.begin(), settings.end());
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  process_ = fork();
  if (process_ != 0) return;
  if (chdir(folder.c_str()) != 0) _exit(125);
  dup2(open(out_.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
  dup2(open(err_.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
  execve(argument_pointers[0], argument_pointers.data(), environment_pointers.data());
  _exit(126);
}

RunningCommand::~RunningCommand() {
  if (!ended()) {
    kill(process_, SIGKILL);
    waitpid(process_, &status_, 0);
  }
}

bool RunningCommand::ended() {
  if (process_ > 0 && waitpid(process_, &status_, WNOHANG) == process_) process_ = -1;
  return process_ < 0;
}

void RunningCommand::send(int signal) {
  if (process_ > 0) kill(process_, signal);
}

CommandResult RunningCommand::wait() {
  const std::chrono::seconds most(POTLUCK_SECONDS_A_COMMAND);
  const auto end = std::chrono::steady_clock::now() + most;
  while (!ended()) {
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "still running after " << most.count() << " s: it printed " << contents(out_) << contents(err_);
      send(SIGKILL);
    }
    std::this_thread::sleep_for(2ms);
  }
  CommandResult result;
  if (WIFEXITED(status_)) result.exit_code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) result.signal = WTERMSIG(status_);
  result.out = contents(out_);
  result.err = contents(err_);
  return result;
}

CommandTest::CommandTest() : folder_(new_folder()) {}

CommandTest::~CommandTest() {
  std::error_code ignored;
  filesystem::remove_all(folder_, ignored);
}

CommandResult CommandTest::potluck(const std::vector<std::string>& words, const std::vector<std::string>& settings) {
  std::vector<std::string> all = {POTLUCK_PROGRAM};
  all.insert(all.end(), words.begin(), words.end());
  return RunningCommand(all, folder_, settings).wait();
}

CommandResult CommandTest::potluck_with_bench(const std::vector<std::string>& words,
                                              const std::vector<std::string>& settings) {
  return start_with_bench(words, settings)->wait();
}

std::unique_ptr<RunningCommand> CommandTest::start_with_bench(const std::vector<std::string>& words,
                                                              const std::vector<std::string>& settings) {
  std::vector<std::string> all = {POTLUCK_PROGRAM};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<std::string> with_bench = {"POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER};
  with_bench.insert(with_bench.end(), settings.begin(), settings.end());
  return std::make_unique<RunningCommand>(all, folder_, with_bench);
}

CommandResult CommandTest::sample(std::vector<std::string> words) {
  words.insert(words.begin(), "sample");
  return potluck_with_bench(words);
}

CommandResult CommandTest::shell(const std::string& script) { return start_shell(script)->wait(); }

std::unique_ptr<RunningCommand> CommandTest::start_shell(const std::string& script) {
  return std::make_unique<RunningCommand>(
      std::vector<std::string>{"/bin/bash", "-c", script}, folder_,
      std::vector<std::string>{"potluck=" POTLUCK_PROGRAM, "POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER});
}

std::string CommandTest::records(const std::string& run) const {
  PartReader reader(path(run) / "draws");
  std::string all;
  for (auto record = reader.next(); !record.empty(); record = reader.next())
    all.append(reinterpret_cast<const char*>(record.data()), record.size());
  EXPECT_EQ(reader.lost(), "");
  return all;
}

void CommandTest::write(const std::string& name, const std::string& text) const {
  filesystem::create_directories(path(name).parent_path());
  std::ofstream(path(name)) << text;
}

std::string CommandTest::read(const std::string& name) const { return contents(path(name)); }

nlohmann::json CommandTest::read_json(const std::string& name) const { return nlohmann::json::parse(read(name)); }

bool CommandTest::wait_for(const std::string& name, uintmax_t bytes) const {
  for (int i = 0; i < 3000; ++i) {
    std::error_code not_there;
    const uintmax_t size = filesystem::file_size(path(name), not_there);
    if (!not_there && size >= bytes) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

void CommandTest::write_scene(const std::string& model, const std::string& sample) const {
  write("scene.yaml", fmt::format("potluck: 1\n"
                                  "variables:\n"
                                  "  x: {{shape: [4, 4]}}\n"
                                  "energies:\n"
                                  "  pot: {{model: {}, inputs: {{x: x}}}}\n"
                                  "target: pot\n"
                                  "sample: {{{}}}\n",
                                  model, sample));
}

}  // namespace potluck::testing
