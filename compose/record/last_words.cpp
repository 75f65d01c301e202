// SPDX-License-Identifier: Apache-2.0
#include "compose/record/last_words.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <span>
#include <string_view>

namespace potluck {
namespace {

constexpr size_t kStateRoom = 32, kWhyRoom = 1024, kTimeRoom = 32;

/// Between the quotes of a JSON string that is to be replaced, with its quotes.
struct Gap {
  off_t offset = 0;
  size_t bytes = 0;
};

struct Prepared {
  int folder = -1;  ///< descriptors, so that renaming the folder changes nothing
  int file = -1;
  std::string name;  ///< of the file in the folder
  Gap state, why, ended;

  ~Prepared() {
    if (file >= 0) close(file);
    if (folder >= 0) close(folder);
  }
};

std::atomic<Prepared*> prepared{nullptr};
static_assert(std::atomic<Prepared*>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Nothing below allocates, and all calls are among those that a signal handler may make.

/// `text` as a JSON string, and blanks behind it: what JSON would have to escape, and what is not ASCII, is replaced.
bool fill(int file, const Gap& gap, const char* text) noexcept {
  std::array<char, kWhyRoom> json;
  const std::span<char> room(json.data(), gap.bytes);
  std::fill(room.begin(), room.end(), ' ');
  size_t at = 0;
  room[at++] = '"';
  for (; *text != '\0' && at + 1 < room.size(); ++text) {
    char letter = *text;
    if (letter == '"') letter = '\'';
    if (letter == '\\') letter = '/';
    if (letter < ' ' || letter > '~') letter = letter == '\n' ? ' ' : '?';
    room[at++] = letter;
  }
  room[at] = '"';
  return pwrite(file, room.data(), room.size(), gap.offset) == static_cast<ssize_t>(room.size());
}

void put_number(char* to, unsigned number, size_t digits) noexcept {
  for (; digits > 0; number /= 10) to[--digits] = static_cast<char>('0' + number % 10);
}

/// "2026-11-30T05:58:32Z" of now. Neither gmtime() nor its kin may be called here.
std::array<char, kTimeRoom> time_text() noexcept {
  using namespace std::chrono;
  const sys_seconds now{seconds(std::time(nullptr))};
  const sys_days day = floor<days>(now);
  const year_month_day date(day);
  const hh_mm_ss time(now - day);
  std::array<char, kTimeRoom> text = {"0000-00-00T00:00:00Z"};
  put_number(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_number(text.data() + 5, static_cast<unsigned>(date.month()), 2);
  put_number(text.data() + 8, static_cast<unsigned>(date.day()), 2);
  put_number(text.data() + 11, static_cast<unsigned>(time.hours().count()), 2);
  put_number(text.data() + 14, static_cast<unsigned>(time.minutes().count()), 2);
  put_number(text.data() + 17, static_cast<unsigned>(time.seconds().count()), 2);
  return text;
}

/// Null where the file cannot be written.
std::unique_ptr<Prepared> prepare(const std::filesystem::path& folder, const nlohmann::ordered_json& record, int turn) {
  nlohmann::ordered_json with_gaps = record;
  const auto gap_of = [](const char* key, size_t room) { return fmt::format("@{:-<{}}", key, room - 3); };
  const std::string state = gap_of("state", kStateRoom), why = gap_of("why", kWhyRoom),
                    ended = gap_of("end", kTimeRoom);
  with_gaps["state"] = state;
  with_gaps["why_stopped"] = why;
  with_gaps["ended"] = ended;
  const std::string text = with_gaps.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  auto words = std::make_unique<Prepared>();
  const auto find = [&](const std::string& gap) {
    return Gap{static_cast<off_t>(text.rfind('"' + gap + '"')), gap.size() + 2};
  };
  words->state = find(state);
  words->why = find(why);
  words->ended = find(ended);
  words->name = fmt::format(".run.json.{}-last-{}.part-written", getpid(), turn);
  words->folder = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (words->folder < 0) return nullptr;
  words->file = openat(words->folder, words->name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (words->file < 0) return nullptr;
  if (!write_all(words->file, text)) {
    unlinkat(words->folder, words->name.c_str(), 0);
    return nullptr;
  }
  // So that a file system that gives room late gives it now; where that fails, the words may still be taken later.
  fsync(words->file);
  return words;
}

void remove_file_of(const Prepared& words) { unlinkat(words.folder, words.name.c_str(), 0); }

}  // namespace

LastWords::LastWords(const std::filesystem::path& folder, const nlohmann::ordered_json& record) : folder_(folder) {
  prepared.store(prepare(folder_, record, 0).release());
}

void LastWords::renew(const nlohmann::ordered_json& record) {
  std::unique_ptr<Prepared> words = prepare(folder_, record, ++turn_);
  if (!words) return;
  Prepared* before = prepared.load();
  // Where they were spoken already there are none to renew.
  if (before != nullptr && prepared.compare_exchange_strong(before, words.get())) {
    static_cast<void>(words.release());
    words.reset(before);
  }
  remove_file_of(*words);
  // Its descriptors stay: models are watched for closing what is not theirs.
  renewed_.push_back(std::shared_ptr<const void>(std::move(words)));
}

void LastWords::withdraw() noexcept {
  const std::unique_ptr<Prepared> words(prepared.exchange(nullptr));
  if (words) remove_file_of(*words);
}

bool leave_last_words(const char* state, const char* why) noexcept {
  if (state == nullptr || why == nullptr) return false;
  if (std::strcmp(state, "failed") != 0 && std::strcmp(state, "cut short") != 0) return false;
  const Prepared* words = prepared.exchange(nullptr);  // not freed: a handler may not
  if (words == nullptr) return false;
  if (!fill(words->file, words->state, state) || !fill(words->file, words->why, why) ||
      !fill(words->file, words->ended, time_text().data()))
    return false;
  fsync(words->file);  // a disk that fails to may take the name even so
  if (renameat(words->folder, words->name.c_str(), words->folder, "run.json") != 0) return false;
  fsync(words->folder);
  return true;
}

}  // namespace potluck
