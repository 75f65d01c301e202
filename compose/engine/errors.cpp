// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/errors.h"

#include <filesystem>
#include <system_error>

#include "compose/tree/diagnostics.h"
#include "core/error.h"
#include "core/files/formats/write_error.h"

namespace potluck::engine {
namespace {

Fault fault_of(const Diagnostic& one) {
  const std::string path = one.path.empty() ? path_in(one.text) : one.path;
  return {one.where.file, one.where.line, one.where.column, path, one.text, one.suggestion};
}

[[noreturn]] void fail(Error::Kind kind, const std::exception& error) {
  throw Error(kind, error.what(), {{"", 0, 0, "", error.what(), ""}});
}

/// Where the text begins with the file that it is about, as that of an error of a file does, it is told as the place.
[[noreturn]] void fail_of_file(Error::Kind kind, const FileError& error) {
  const std::string text = error.what();
  const size_t end = text.find(": ");
  const std::string file = end == std::string::npos ? "" : text.substr(0, end);
  std::error_code ignored;
  if (file.empty() || !(file.front() == '/' || std::filesystem::exists(file, ignored))) fail(kind, error);
  throw Error(kind, text, {{file, 0, 0, "", text.substr(end + 2), ""}});
}

}  // namespace

void throw_face_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const CompositionError& error) {
    std::vector<Fault> faults;
    for (const Diagnostic& one : error.all()) faults.push_back(fault_of(one));
    throw Error(Error::Kind::kInput, error.what(), std::move(faults));
  } catch (const SettingError& error) {
    throw Error(Error::Kind::kInput, error.what(), {{"", 0, 0, error.path(), error.what(), error.suggestion()}});
  } catch (const WriteError& error) {
    fail_of_file(Error::Kind::kOutput, error);
  } catch (const MachineError& error) {
    fail(Error::Kind::kMachine, error);
  } catch (const PluginError& error) {
    fail(Error::Kind::kPlugin, error);
  } catch (const NumericalError& error) {
    fail(Error::Kind::kNumbers, error);
  } catch (const FileError& error) {
    fail_of_file(Error::Kind::kInput, error);
  } catch (const potluck::Error& error) {
    fail(Error::Kind::kInput, error);
  } catch (const std::filesystem::filesystem_error& error) {
    try {
      std::rethrow_exception(file_error_of(error));
    } catch (const WriteError& told) {
      fail_of_file(Error::Kind::kOutput, told);
    } catch (const FileError& told) {
      fail_of_file(Error::Kind::kInput, told);
    }
  }
}

std::exception_ptr face_error(const std::exception_ptr& caught) {
  try {
    translated([&] { std::rethrow_exception(caught); });
  } catch (...) {
    return std::current_exception();
  }
  return caught;
}

}  // namespace potluck::engine
