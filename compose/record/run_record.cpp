// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_record.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "compose/record/last_words.h"
#include "compose/record/record_shape.h"
#include "compose/record/run_facts_json.h"
#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/utf8_text.h"
#include "core/files/formats/write_error.h"

namespace potluck {

void write_record(const std::filesystem::path& folder, const RunFacts& facts) {
  write_whole_file(folder / "run.json", utf8_of_bytes_in(to_json(facts)).dump(2) + "\n");
}

void write_or_leave(const std::filesystem::path& folder, const RunFacts& facts) noexcept {
  try {
    write_record(folder, facts);
  } catch (const std::exception&) {
    leave_last_words("failed", facts.standing.why_stopped ? facts.standing.why_stopped->c_str() : "");
  }
}

RunFacts read_record(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "run.json";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) blame_machine(file, errno);
  if (!stream)
    throw FileError(fmt::format("{} must be the folder of a run, got none with run.json in it", folder.string()));
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  return facts_of(parse_record(text, file.string()));
}

}  // namespace potluck
