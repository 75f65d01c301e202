// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader.h"

#include <map>
#include <mutex>

#include "core/files/sha256.h"
#include "plugins/first_sight.h"
#include "plugins/floating_point.h"
#include "plugins/library.h"
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

LoadedModels open_here(const std::filesystem::path& file, const PluginNote& note, const std::string& sha256) {
  PluginEntry* const entry = open_plugin(file);
  const FloatingPointGuard guard;
  const potluck_plugin* const table = entry();
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
  const std::string sha256 = sha256_of_file(file);
  if (const auto found = loaded->find(file); found != loaded->end()) {
    if (found->second.sha256 == sha256) return found->second.models;
    throw PluginError("has changed since this process opened it. Start anew");
  }
  if (note.torch != "none") open_libtorch();
  judge_first(file, note, sha256, verdicts, trust_verdicts);
  return loaded->emplace(file, Loaded{sha256, open_here(file, note, sha256)}).first->second.models;
}

}  // namespace potluck
