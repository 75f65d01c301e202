// SPDX-License-Identifier: Apache-2.0
#include "compose/file/included.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "compose/file/overrides.h"
#include "compose/text/keys.h"

namespace potluck {

namespace {

constexpr int kMostIncludes = 100;

class Includer {
 public:
  Includer(SourceFiles& files, Diagnostics& diagnostics) : files_(files), diagnostics_(diagnostics) {}

  void take_in(Yaml& root, Yaml& from) {
    const auto entry =
        std::find_if(from.map.begin(), from.map.end(), [](const Yaml::Entry& one) { return one.key == "include"; });
    if (entry == from.map.end()) return;
    const Yaml include = std::move(entry->value);
    from.map.erase(entry);
    if (!read_texts(include, "include", diagnostics_)) return;
    if (include.is_scalar()) return one(root, include);
    for (const Yaml& item : include.list) one(root, item);
  }

  /// Whether it was not seen before, by a link or another name either.
  bool seen_first(const std::filesystem::path& file) {
    std::error_code failed;
    const std::filesystem::path real = std::filesystem::weakly_canonical(file, failed);
    return seen_.insert(failed ? file.string() : real.string()).second;
  }

 private:
  void one(Yaml& root, const Yaml& name) {
    const std::filesystem::path path = files_.absolute_path(name);
    if (!seen_first(path)) return;
    const std::filesystem::path folder =
        name.place.line > 0 ? std::filesystem::path(name.place.file).parent_path() : std::filesystem::path();
    const std::string shown = (folder / name.text).lexically_normal().string();
    diagnostics_.name_file(shown);
    try {
      Yaml included = read_yaml(files_.text(path), shown, true, diagnostics_);
      if (included.is_null()) {
        diagnostics_.add(name.place, fmt::format("include must name a file of energies, views or plugins, got nothing "
                                                 "readable in '{}'",
                                                 name.text));
        return;
      }
      if (!check_keys(included, Section::kIncluded, "an included file", diagnostics_)) return;
      merge(root, included);
      if (++depth_ > kMostIncludes) {
        diagnostics_.add(name.place, fmt::format("files must include each other at most {} deep, got more. Include "
                                                 "them from one file",
                                                 kMostIncludes));
      } else {
        take_in(root, included);
      }
      --depth_;
    } catch (const FileError& error) {
      diagnostics_.add(name.place, error.what());
    }
  }

  void merge(Yaml& root, Yaml& included) {
    for (Yaml::Entry& entry : included.map) {
      if (entry.key == "plugins") {
        append(root, entry);
      } else if (entry.key == "energies" || entry.key == "views") {
        join(root, entry);
      }
    }
  }

  static Yaml& value_of(Yaml& root, const Yaml::Entry& like, Yaml::Kind kind) {
    if (Yaml* found = root.find(like.key)) return *found;
    Yaml empty;
    empty.kind = kind;
    empty.place = like.value.place;
    root.map.push_back({like.key, like.place, std::move(empty)});
    return root.map.back().value;
  }

  /// Lists follow one another; a single text counts as a list of one.
  static void append(Yaml& root, const Yaml::Entry& entry) {
    Yaml& into = value_of(root, entry, Yaml::Kind::kList);
    if (into.is_scalar()) {
      Yaml only = into;
      into = Yaml();
      into.kind = Yaml::Kind::kList;
      into.place = only.place;
      into.list.push_back(std::move(only));
    }
    if (entry.value.is_list())
      into.list.insert(into.list.end(), entry.value.list.begin(), entry.value.list.end());
    else
      into.list.push_back(entry.value);
  }

  /// Names of both files stand in one map; a name that both have is an error.
  void join(Yaml& root, const Yaml::Entry& entry) {
    if (!entry.value.is_map()) {
      diagnostics_.add(entry.value.place,
                       fmt::format("{} must be a map of names, got {}", entry.key, entry.value.describe()));
      return;
    }
    Yaml& into = value_of(root, entry, Yaml::Kind::kMap);
    if (into.is_null()) into.kind = Yaml::Kind::kMap;
    if (!into.is_map()) return;  // Reported where the section is read.
    for (const Yaml::Entry& one : entry.value.map) {
      if (const Yaml::Entry* first = into.entry(one.key))
        diagnostics_.add(one.place,
                         fmt::format("'{}' must be defined once in {}, got it again (first at {}). Rename one", one.key,
                                     entry.key, to_string(first->place)));
      else
        into.map.push_back(one);
    }
  }

  SourceFiles& files_;
  Diagnostics& diagnostics_;
  std::set<std::string> seen_;
  int depth_ = 0;
};

void check_version(const Yaml& root, Diagnostics& diagnostics) {
  const Yaml* version = root.find("potluck");
  if (!version) return;
  const auto number = read_integer(*version, key_table(Section::kFile).key("potluck"), "potluck", diagnostics);
  if (!number || *number <= kFormatVersion) return;
  throw CompositionError({{version->place, fmt::format("potluck must be <= {}, the newest format that this Potluck "
                                                       "reads, got {}. Use a newer Potluck",
                                                       kFormatVersion, *number)}});
}

/// A device may have no end, or be a disk; a terminal has one, and /dev/null is an empty file.
void check_kind(const std::string& name, const std::string& word, const std::filesystem::file_status& status) {
  const bool device = std::filesystem::is_character_file(status) || std::filesystem::is_block_file(status);
  if (!device || std::filesystem::canonical(name) == "/dev/null") return;
  const int descriptor = open(name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  const bool terminal = descriptor >= 0 && isatty(descriptor) != 0;
  if (descriptor >= 0) close(descriptor);
  if (!terminal) throw FileError(fmt::format("{}: must be a file, a pipe or a terminal, got a device", word));
}

}  // namespace

MainFile main_file(const std::filesystem::path& file, const std::optional<std::string>& text,
                   const std::string& text_name) {
  if (text && !text_name.empty()) return {file, text_name, text};
  std::error_code failed;
  const std::string word = file.string();
  const std::filesystem::file_status status = std::filesystem::status(word == "-" ? "/dev/stdin" : file, failed);
  const bool descriptor = word == "-" || word == "/dev/stdin" || word.starts_with("/dev/fd/") ||
                          (word.starts_with("/proc/") && word.find("/fd/") != std::string::npos);
  const bool there = std::filesystem::exists(status) && !std::filesystem::is_directory(status);
  if (!text && !(there && (descriptor || !std::filesystem::is_regular_file(status)))) return {file, word, {}};
  MainFile main{file, word == "-" || word == "/dev/stdin" ? "stdin" : "pipe-" + file.filename().string(), text};
  if (!text) {
    const std::string name = word == "-" ? "/dev/stdin" : word;
    check_kind(name, word, status);
    main.piped = bounded_text(name, word);
  }
  return main;
}

Yaml read_with_includes(const MainFile& main, const Overrides& overrides, SourceFiles& files,
                        Diagnostics& diagnostics) {
  diagnostics.name_file(main.name);
  const std::string text = main.piped ? *main.piped : files.text(std::filesystem::absolute(main.path));
  Yaml root = read_yaml(text, main.name, true, diagnostics);
  if (root.is_null() && diagnostics.empty())
    diagnostics.add({main.name, 0, 0}, "must be a composition, got an empty file. See docs/composition-file.md");
  if (!root.is_map()) {
    if (!root.is_null()) check_keys(root, Section::kFile, "a composition", diagnostics);
    diagnostics.throw_if_any();
  }
  check_version(root, diagnostics);
  apply_overrides(overrides, root, diagnostics);
  const auto is_version = [](const Overrides::Setting& one) { return one.path == "potluck"; };
  if (std::any_of(overrides.set.begin(), overrides.set.end(), is_version)) check_version(root, diagnostics);
  Includer includer(files, diagnostics);
  if (!main.piped) includer.seen_first(std::filesystem::absolute(main.path));
  name_paths(root, diagnostics);
  includer.take_in(root, root);
  name_paths(root, diagnostics);  // of what was included too

  const std::vector<std::string> order = key_table(Section::kFile).names();
  std::stable_sort(root.map.begin(), root.map.end(), [&](const Yaml::Entry& a, const Yaml::Entry& b) {
    return std::find(order.begin(), order.end(), a.key) < std::find(order.begin(), order.end(), b.key);
  });
  return root;
}

}  // namespace potluck
