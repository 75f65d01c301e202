// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace potluck {

/// A position in a text the user wrote. `line` and `column` count from 1; 0 means unknown.
/// `file` may also name a command-line override, such as "--set sample.steps".
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

/// "scene.yaml:14:22", "scene.yaml", or "" when nothing is known.
std::string to_string(const Place& place);

/// Base of everything the library throws. The text reads
/// `<where>: <what> must be <expected>, got <actual>. <what to do>`.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An option or setting outside its bounds, of the wrong type or unknown. Exit code 2.
class SettingError : public Error {
 public:
  using Error::Error;
  /// The text is the path of what is wrong, such as "sample.steps", and then `rest`, such as " must be >= 20, got 10".
  /// @param suggestion  the known name that is nearest to a wrong one; "" where there is none
  SettingError(std::string path, const std::string& rest, std::string suggestion = "")
      : Error(path + rest), path_(std::move(path)), suggestion_(std::move(suggestion)) {}
  /// "" where it is about nothing that has one.
  const std::string& path() const { return path_; }
  const std::string& suggestion() const { return suggestion_; }

 private:
  std::string path_, suggestion_;
};

/// A file that cannot be read, written or understood. Exit code 2.
class FileError : public Error {
 public:
  using Error::Error;
};

/// One thing wrong with a composition.
struct Diagnostic {
  Place where;
  std::string text;
  std::string suggestion = {};  ///< the known name that is nearest to a wrong one; "" where there is none
  std::string path = {};        ///< of the value, as --set takes it; "" where only its place is known
};

/// Everything wrong with a composition, at least one diagnostic, in the order of the file. Exit code 2.
class CompositionError : public Error {
 public:
  explicit CompositionError(std::vector<Diagnostic> all);
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
};

/// The machine or a limit on this process refuses what any command needs: memory, processes, open files. Nothing is
/// wrong with what was asked for. Exit code 1.
class MachineError : public Error {
 public:
  using Error::Error;
};

/// A plugin that was refused, or a model that failed in a call. Exit code 3.
class PluginError : public Error {
 public:
  using Error::Error;
};

/// Numbers that cannot go on: every chain frozen, no finite start. Exit code 4.
class NumericalError : public Error {
 public:
  using Error::Error;
};

}  // namespace potluck
