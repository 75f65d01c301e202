// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace potluck {

/// Runs a script of the test tree with the Python that has cmake/requirements.txt (the environment's POTLUCK_PYTHON,
/// else the one that the build was configured with) and returns its exit code. What it writes goes to `output`.
inline int run_python(const std::string& script, const std::string& arguments, const std::filesystem::path& output) {
  const char* chosen = std::getenv("POTLUCK_PYTHON");
  const std::string python = chosen != nullptr ? chosen : POTLUCK_PYTHON;
  const std::string command = "'" + python + "' -W ignore '" + POTLUCK_SOURCE_DIR + "/tests/core/" + script + "' " +
                              arguments + " > '" + output.string() + "' 2>&1";
  const int status = std::system(command.c_str());
  if (status != 0) {
    std::ifstream stream(output);
    ADD_FAILURE() << command << "\nfailed with:\n"
                  << std::string(std::istreambuf_iterator<char>(stream), {})
                  << "\nIf a module is missing, run `make setup`, or set POTLUCK_PYTHON to a Python that has "
                     "cmake/requirements.txt.";
  }
  return status;
}

}  // namespace potluck
