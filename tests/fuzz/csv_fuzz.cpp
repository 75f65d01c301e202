// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "core/files/formats/csv.h"
#include "tests/fuzz/fuzz_folder.h"

/// A CSV file: all of its columns as it is, and those that its first line names behind `#`.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const std::string text(potluck::fuzz::text_of(data, size));
  const size_t end = text.find('\n');
  const auto file =
      folder.write("input.csv", text.starts_with('#') && end != std::string::npos ? text.substr(end + 1) : text);
  potluck::CsvChoice choice;
  if (text.starts_with('#')) choice.columns = {text.substr(1, end == std::string::npos ? end : end - 1)};
  for (const std::optional<bool> header : {std::optional<bool>(), std::optional(true), std::optional(false)}) {
    choice.header = header;
    try {
      potluck::read_csv(file, choice).as_doubles();
    } catch (const potluck::Error&) {
    }
  }
  return 0;
}
