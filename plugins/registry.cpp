// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/files/formats/write_error.h"
#include "plugins/fitness.h"
#include "plugins/loader.h"
#include "plugins/verdict.h"

namespace potluck {

namespace {

namespace fs = std::filesystem;

constexpr char kSuffix[] = ".potluck.so";

/// A found file. Its listing says all that is known; the models are there once it has been opened.
struct Found {
  PluginListing listing;
  fs::path real;   ///< without links: one file is one plugin
  int search = 0;  ///< which add_place() found it
  const LoadedModels* loaded = nullptr;

  bool has(const std::string& model) const {
    const std::vector<std::string>& models = listing.note.models;
    return std::find(models.begin(), models.end(), model) != models.end();
  }
  void reject(const std::string& reason) {
    listing.usable = false;
    listing.reason = reason;
  }
};

/// What came from read_note() without the file's name in front, which the listing has.
std::string without_file(const std::string& text, const fs::path& file) {
  const std::string prefix = file.string() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// "acme.smoothness" -> "smoothness"
std::string last_word(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// "" where none is near.
std::string near_name(const std::string& name, const std::vector<std::string>& known) {
  for (const std::string& other : known) {
    if (last_word(other) == last_word(name)) return other;
  }
  return nearest_name(name, known).value_or("");
}

/// What somebody named is not there. @param rest  of the text, where no name is near
SettingError unknown(const std::string& text, const std::string& name, const std::vector<std::string>& known,
                     const std::string& rest) {
  const std::string near = near_name(name, known);
  return {"", text + (near.empty() ? rest : fmt::format(" Did you mean '{}'?", near)), near};
}

std::string all_known(const std::vector<std::string>& known) {
  return fmt::format(" Known: {}", fmt::join(known, ", "));
}

}  // namespace

struct Registry::State {
  explicit State(Options options_) : options(std::move(options_)), verdicts(options.verdicts) {}

  Found look_at(const fs::path& file, const std::string& place) const;
  void add(Found one);
  void open(Found& one) const;
  Found* winner_with_model(const std::string& name);
  [[noreturn]] void fail_for_model(const std::string& name, const std::vector<std::string>& known) const;

  Options options;
  Verdicts verdicts;
  std::vector<std::unique_ptr<Found>> found;  ///< in the order of search
  std::vector<std::unique_ptr<Found>> apart;  ///< opened by file name, without taking part in the search
  int searches = 0;
};

/// Judges a file by itself, without opening it.
Found Registry::State::look_at(const fs::path& file, const std::string& place) const {
  Found one;
  one.listing.file = file;
  one.listing.place = place;
  std::error_code error;
  one.real = fs::canonical(file, error);
  if (error) {
    one.reject(fmt::format("cannot be read: {}", error.message()));
    return one;
  }
  try {
    one.listing.note = read_note(file);
    one.listing.reason = unfit_reason(one.listing.note);
  } catch (const PluginError& failure) {
    one.listing.reason = without_file(failure.what(), file);
  }
  if (one.listing.reason.empty() && !options.allow_world_writable) one.listing.reason = unsafe_reason(file);
  one.listing.usable = one.listing.reason.empty();
  return one;
}

/// Puts a file behind the others, and settles who has its id.
void Registry::State::add(Found one) {
  const std::string& id = one.listing.note.id;
  for (const std::unique_ptr<Found>& other : found) {
    if (!one.real.empty() && other->real == one.real) return;
  }
  for (const std::unique_ptr<Found>& other : found) {
    if (id.empty() || other->listing.note.id != id) continue;
    if (other->search != one.search) {
      one.reject(fmt::format("hidden by {} ({}), which has the id '{}' too and comes first",
                             other->listing.file.string(), other->listing.place, id));
      break;
    }
    const auto twin = [&id](const Found& of) {
      return fmt::format("the id '{}' is also that of {}. Keep one of them", id, of.listing.file.string());
    };
    one.reject(twin(*other));
    other->reject(twin(one));
  }
  found.push_back(std::make_unique<Found>(std::move(one)));
}

/// @throws PluginError with file and reason; the file stays rejected.
void Registry::State::open(Found& one) const {
  if (one.loaded != nullptr) return;
  const std::string file = one.listing.file.string();
  if (!one.listing.usable) throw PluginError(fmt::format("{}: {}", file, one.listing.reason));
  try {
    one.loaded = &load_plugin(one.real, one.listing.note, verdicts, options.trust_verdicts);
  } catch (const MachineError&) {
    throw;  // nothing that the file could do differently
  } catch (const Error& error) {
    one.reject(error.what());
    throw PluginError(fmt::format("{}: {}", file, one.listing.reason));
  }
}

Found* Registry::State::winner_with_model(const std::string& name) {
  for (const std::unique_ptr<Found>& one : found) {
    if (one->listing.usable && one->has(name)) return one.get();
  }
  return nullptr;
}

void Registry::State::fail_for_model(const std::string& name, const std::vector<std::string>& known) const {
  std::string text = fmt::format("no model '{}'.", name);
  bool explained = false;
  for (const std::unique_ptr<Found>& one : found) {
    if (one->listing.usable) continue;
    const std::string file = one->listing.file.filename().string();
    // A file whose note cannot be read is known by its name only.
    const bool by_name = one->listing.note.id.empty() && file.ends_with(kSuffix) &&
                         (name + '.').starts_with(file.substr(0, file.size() + 2 - sizeof kSuffix));
    if (!by_name && !one->has(name)) continue;
    text += fmt::format(" The rejected plugin {} {} it: {}.", one->listing.file.string(), by_name ? "may have" : "has",
                        one->listing.reason);
    explained = true;
  }
  if (explained) throw PluginError(text);
  throw unknown(
      text, name, known,
      known.empty() ? " No plugin was found; `potluck plugins path` says where they are looked for" : all_known(known));
}

Registry::Registry(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Registry::~Registry() = default;

void Registry::add_place(const fs::path& file_or_folder, const std::string& place, bool must_exist) {
  const int search = state_->searches++;
  const fs::path path = fs::absolute(file_or_folder).lexically_normal();
  std::error_code error;
  std::vector<fs::path> files;
  if (!fs::exists(path, error)) {
    if (!must_exist) return;
    throw FileError(
        fmt::format("{}: {} must name a plugin or a folder of plugins, got nothing there", path.string(), place));
  }
  if (fs::is_directory(path, error)) {
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().filename().string().ends_with(kSuffix)) files.push_back(entry->path());
    }
    if (error) {
      blame_machine(path, error.value());
      throw FileError(
          fmt::format("{}: {} must be a folder that can be read: {}", path.string(), place, error.message()));
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  for (const fs::path& file : files) {
    Found one = state_->look_at(file, place);
    one.search = search;
    state_->add(std::move(one));
  }
}

std::vector<PluginListing> Registry::list() {
  std::vector<PluginListing> listings;
  for (const std::unique_ptr<Found>& one : state_->found) listings.push_back(one->listing);
  return listings;
}

const ModelKind& Registry::model(const std::string& name) {
  Found* const winner = state_->winner_with_model(name);
  if (winner == nullptr) state_->fail_for_model(name, model_names());
  state_->open(*winner);
  for (const std::unique_ptr<const ModelKind>& kind : *winner->loaded) {
    if (kind->name == name) return *kind;
  }
  throw PluginError(fmt::format("no model '{}'.", name));  // not reached: note and table agree
}

std::vector<const ModelKind*> Registry::models_of(const std::string& file_or_id) {
  Found* chosen = nullptr;
  std::vector<std::string> ids;
  for (const std::unique_ptr<Found>& one : state_->found) {
    if (!one->listing.note.id.empty()) ids.push_back(one->listing.note.id);
    if (one->listing.note.id == file_or_id && chosen == nullptr) chosen = one.get();
  }
  std::error_code error;
  if (chosen == nullptr && fs::is_regular_file(file_or_id, error)) {
    // A file that is named is judged by itself, whether or not another hides it.
    state_->apart.push_back(
        std::make_unique<Found>(state_->look_at(fs::absolute(file_or_id).lexically_normal(), "named")));
    chosen = state_->apart.back().get();
  }
  if (chosen == nullptr) {
    if (fs::is_directory(file_or_id, error))
      throw SettingError(fmt::format(
          "a plugin must be named by its id or its file, got the folder {}. Name a file in it", file_or_id));
    throw unknown(fmt::format("no plugin '{}'.", file_or_id), file_or_id, ids, "");
  }
  state_->open(*chosen);
  std::vector<const ModelKind*> kinds;
  for (const std::unique_ptr<const ModelKind>& kind : *chosen->loaded) kinds.push_back(kind.get());
  return kinds;
}

std::vector<std::string> Registry::model_names() {
  std::set<std::string> names;
  for (const std::unique_ptr<Found>& one : state_->found) {
    if (one->listing.usable) names.insert(one->listing.note.models.begin(), one->listing.note.models.end());
  }
  return {names.begin(), names.end()};
}

}  // namespace potluck
