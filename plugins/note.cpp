// SPDX-License-Identifier: Apache-2.0
#include "plugins/note.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/files/formats/write_error.h"
#include "plugins/plain_text.h"

namespace potluck {

namespace {

constexpr char kOwner[] = "Potluck";  // with its terminating zero, as notes have it
constexpr uint32_t kType = 1;
constexpr uint64_t kLongestSegment = 1 << 20;  // of notes; nothing sensible comes near

/// The reason alone; read_note() puts the file before it.
[[noreturn]] void refuse(const std::string& reason) { throw PluginError(reason); }

/// A file of which parts are read at offsets that the file itself gives.
class Bytes {
 public:
  explicit Bytes(const std::filesystem::path& file) : stream_(file, std::ios::binary) {
    if (!stream_) {
      const int reason = errno;
      blame_machine(file, reason);
      refuse(fmt::format("cannot be read: {}", std::strerror(reason)));
    }
    size_ = std::filesystem::file_size(file);
  }

  uint64_t size() const { return size_; }

  void must_have(uint64_t offset, uint64_t count) const {
    if (offset <= size_ && count <= size_ - offset) return;
    refuse(fmt::format("must be an ELF shared library, got one that is cut short at {} bytes. Copy it again", size_));
  }

  std::vector<char> read(uint64_t offset, uint64_t count) {
    must_have(offset, count);
    std::vector<char> bytes(count);
    stream_.seekg(static_cast<std::streamoff>(offset));
    stream_.read(bytes.data(), static_cast<std::streamsize>(count));
    if (!stream_) refuse("cannot be read: the file ended early");
    return bytes;
  }

 private:
  std::ifstream stream_;
  uint64_t size_ = 0;
};

template <typename T>
T as(const std::vector<char>& bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

Elf64_Ehdr read_header(Bytes& file) {
  if (file.size() == 0) refuse("must be an ELF shared library, got an empty file");
  const std::vector<char> magic = file.read(0, std::min<uint64_t>(file.size(), SELFMAG));
  if (magic.size() < SELFMAG || std::memcmp(magic.data(), ELFMAG, SELFMAG) != 0) {
    refuse("must be an ELF shared library, got a file of another kind");
  }
  const Elf64_Ehdr header = as<Elf64_Ehdr>(file.read(0, sizeof(Elf64_Ehdr)), 0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    refuse(fmt::format("must be an ELF shared library for x86-64, got one for another machine ({})", header.e_machine));
  }
  if (header.e_type != ET_DYN) {
    refuse(fmt::format("must be an ELF shared library, got {}", header.e_type == ET_REL ? "an object file"
                                                                : header.e_type == ET_EXEC
                                                                    ? "a program"
                                                                    : "another kind of ELF file"));
  }
  if (header.e_phnum > 0 && header.e_phentsize != sizeof(Elf64_Phdr)) {
    refuse(fmt::format("must be an ELF shared library, got one whose program headers have {} bytes instead of {}",
                       header.e_phentsize, sizeof(Elf64_Phdr)));
  }
  return header;
}

/// Adds the texts of our notes in one note segment. A name or a text that passes the segment's end ends the walk.
void find_texts(const std::vector<char>& segment, uint64_t alignment, std::vector<std::string>& texts) {
  const auto padded = [alignment](uint64_t count) { return (count + alignment - 1) / alignment * alignment; };
  for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= segment.size();) {
    const auto note = as<Elf64_Nhdr>(segment, at);
    const uint64_t name = at + sizeof(Elf64_Nhdr);
    const uint64_t text = padded(name + note.n_namesz);
    const uint64_t end = text + note.n_descsz;
    if (end > segment.size()) return;
    if (note.n_type == kType && note.n_namesz == sizeof kOwner &&
        std::memcmp(segment.data() + name, kOwner, sizeof kOwner) == 0) {
      texts.emplace_back(segment.data() + text, strnlen(segment.data() + text, note.n_descsz));
    }
    at = padded(end);
  }
}

std::string note_text(const std::filesystem::path& path) {
  Bytes file(path);
  const Elf64_Ehdr header = read_header(file);
  // The section headers end a file as a rule: where they are missing, so is something, if only symbols.
  if (header.e_shoff != 0) file.must_have(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize);
  const std::vector<char> table = file.read(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = as<Elf64_Phdr>(table, i * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_LOAD) file.must_have(segment.p_offset, segment.p_filesz);
    if (segment.p_type != PT_NOTE) continue;
    if (segment.p_filesz > kLongestSegment) refuse("its notes must fit in a mebibyte");
    find_texts(file.read(segment.p_offset, segment.p_filesz), segment.p_align == 8 ? 8 : 4, texts);
  }
  if (texts.empty()) {
    refuse(
        "carries no Potluck note. Build it with potluck_add_plugin(), or place POTLUCK_NOTE(...) of potluck/plugin.h "
        "in one of its sources");
  }
  if (texts.size() > 1) refuse(fmt::format("must carry one Potluck note, got {}", texts.size()));
  return texts.front();
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The values of a note by key.
class Lines {
 public:
  explicit Lines(std::string_view text) {
    if (!is_utf8(text)) refuse("its note must be UTF-8, got other bytes");
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c != '\n' && (byte < 0x20 || byte == 0x7f)) {
        refuse(fmt::format("its note must be printable text, got the byte {:#04x}", byte));
      }
    }
    for (const std::string& line : split(text, '\n')) {
      if (line.empty()) continue;
      const size_t equals = line.find('=');
      if (equals == std::string::npos) refuse(fmt::format("its note must be lines of key=value, got '{}'", line));
      if (!value_.emplace(line.substr(0, equals), line.substr(equals + 1)).second) {
        refuse(fmt::format("its note must say '{}' once, got it twice", line.substr(0, equals)));
      }
    }
  }

  const std::string& operator[](const std::string& key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) refuse(fmt::format("its note must have the line '{}=...'", key));
    return found->second;
  }

  template <typename Number>
  Number number(const std::string& key) const {
    const std::string& word = (*this)[key];
    Number value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
      refuse(fmt::format("its note's {} must be a whole number, got '{}'", key, word));
    }
    return value;
  }

  bool has(const std::string& key) const { return value_.count(key) > 0; }

 private:
  std::map<std::string, std::string> value_;
};

}  // namespace

bool is_dotted_name(std::string_view name) {
  bool begins = true;
  for (const char c : name) {
    const bool letter = c >= 'a' && c <= 'z';
    if (begins ? !letter : !(letter || (c >= '0' && c <= '9') || c == '_' || c == '.')) return false;
    begins = c == '.';
  }
  return !begins;
}

PluginNote parse_note(std::string_view text) {
  const Lines lines(text);
  PluginNote note;
  note.note = lines.number<int>("note");
  if (note.note != 1) {
    refuse(fmt::format("its note must be of version 1, got {}. Use the Potluck it was built for, or a newer one",
                       note.note));
  }
  note.id = lines["id"];
  note.version = lines["version"];
  note.abi = lines.number<int>("abi");
  note.needs_minor = lines.number<uint32_t>("needs_minor");
  note.models = split(lines["models"], ',');
  note.licence = lines["licence"];
  note.torch = lines["torch"];
  if (lines.has("compiler")) note.compiler = lines["compiler"];
  if (!is_dotted_name(note.id)) {
    refuse(fmt::format("its note's id must be lower-case words joined by dots, got '{}'", note.id));
  }
  for (const std::string& model : note.models) {
    if (is_dotted_name(model)) continue;
    refuse(fmt::format("its note's models must be lower-case words joined by dots, got '{}'", model));
  }
  return note;
}

PluginNote read_note(const std::filesystem::path& file) {
  try {
    return parse_note(note_text(file));
  } catch (const PluginError& error) {
    throw PluginError(fmt::format("{}: {}", file.string(), error.what()));
  } catch (const std::filesystem::filesystem_error& error) {
    throw PluginError(fmt::format("{}: cannot be read: {}", file.string(), error.code().message()));
  }
}

}  // namespace potluck
