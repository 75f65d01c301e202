// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>

#include "core/files/formats/sha256.h"
#include "core/files/formats/write_error.h"
#include "plugins/first_sight.h"
#include "plugins/library.h"
#include "plugins/own_pages.h"
#include "plugins/plugin_call.h"
#include "plugins/process_state.h"
#include "plugins/table.h"

namespace potluck {

namespace {

struct Loaded {
  std::string sha256;
  LoadedModels models;
};

void judge_first(const std::filesystem::path& file, const PluginNote& note, const std::string& sha256,
                 const Verdicts& verdicts, bool trust_verdicts) {
  if (trust_verdicts) {
    if (const std::optional<Verdict> kept = verdicts.find(sha256)) {
      if (kept->fit) return;
      throw PluginError(kept->reason + ". It was judged earlier; `potluck plugins check` judges it anew");
    }
  }
  const Verdict verdict = first_sight(file, note);
  verdicts.keep(sha256, verdict);
  if (!verdict.fit) throw PluginError(verdict.reason);
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) blame_machine(file, errno);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw PluginError("cannot be read");
  return bytes;
}

int64_t threads_of_process() {
  std::error_code none;
  const std::filesystem::directory_iterator tasks("/proc/self/task", none);
  return none ? 0 : std::distance(begin(tasks), end(tasks));
}

/// Opens the file, whose bytes are these, makes its pages our own, and asks for its table.
const potluck_plugin* open_and_ask(const std::filesystem::path& file, const PluginNote& note,
                                   const std::string& bytes) {
  const OpenDescriptors before;
  const ProcessStateGuard guard;
  const auto call = [&note](const char* name) {
    return PluginCall{note.id.c_str(), note.version.c_str(), nullptr, name};
  };
  const potluck_plugin* table = nullptr;
  {
    const PluginCallScope opening(call("static initialisers"));
    const int64_t threads = threads_of_process();
    PluginEntry* const entry = open_plugin(file);
    own_pages(file, /*with_data=*/threads_of_process() == threads);
    if (bytes_of(file) != bytes) throw PluginError("was changed while it was being opened. Start anew");
    const PluginCallScope asking(call("potluck_plugin_v1"));
    table = entry();
  }
  check_for_strays();
  if (const std::vector<int> lost = before.lost(); !lost.empty()) {
    throw PluginError(
        fmt::format("closed descriptors of the process while it was being opened: {}. A plugin closes what "
                    "it opened itself",
                    fmt::join(lost, ", ")));
  }
  return table;
}

LoadedModels open_here(const std::filesystem::path& file, const PluginNote& note, const std::string& sha256,
                       const std::string& bytes) {
  const potluck_plugin* const table = open_and_ask(file, note, bytes);
  LoadedModels models;
  for (ModelKind& kind : read_table(table)) {
    kind.plugin_file = file.string();
    kind.plugin_sha256 = sha256;
    kind.plugin_torch = note.torch;
    models.push_back(std::make_unique<const ModelKind>(std::move(kind)));
  }
  compare_with_note(*table, note);
  return models;
}

}  // namespace

const LoadedModels& load_plugin(const std::filesystem::path& file, const PluginNote& note, const Verdicts& verdicts,
                                bool trust_verdicts) {
  // Never destroyed: models may be in use until the process has ended.
  static auto* const loaded = new std::map<std::filesystem::path, Loaded>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const std::string bytes = bytes_of(file);
  const std::string sha256 = sha256_of_text(bytes);
  if (const auto found = loaded->find(file); found != loaded->end()) {
    if (found->second.sha256 == sha256) return found->second.models;
    throw PluginError("has changed since this process opened it. Start anew");
  }
  if (note.torch != "none") open_libtorch();
  judge_first(file, note, sha256, verdicts, trust_verdicts);
  return loaded->emplace(file, Loaded{sha256, open_here(file, note, sha256, bytes)}).first->second.models;
}

}  // namespace potluck
