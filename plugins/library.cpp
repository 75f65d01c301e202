// SPDX-License-Identifier: Apache-2.0
#include "plugins/library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "plugins/feature_networks.h"
#include "plugins/floating_point.h"
#include "plugins/optimisers.h"

namespace potluck {

namespace {

constexpr char kEntry[] = "potluck_plugin_v1";
constexpr char kLibtorch[] = "libtorch_cpu.so";

/// Boost has no names for these; its modes are the system's flags and pass through.
constexpr auto kMode = static_cast<boost::dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
constexpr auto kIfThere = static_cast<boost::dll::load_mode::type>(RTLD_NOLOAD);

/// Keeps a handle until the process ends, and beyond static destructors: code of the library may run in those.
boost::dll::shared_library& keep(boost::dll::shared_library library) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::unique_ptr<boost::dll::shared_library>>;
  const std::lock_guard lock(mutex);
  kept->push_back(std::make_unique<boost::dll::shared_library>(std::move(library)));
  return *kept->back();
}

/// The loader's words without those that Boost puts round them and without the name of the file itself.
std::string loaders_words(const std::exception& error, const std::filesystem::path& file) {
  std::string text = error.what();
  const std::string before = "dlerror system message: ";
  const size_t begin = text.find(before);
  if (begin == std::string::npos) return text;
  text = text.substr(begin + before.size(), text.rfind(')') - begin - before.size());
  const std::string own_name = file.string() + ": ";
  return text.starts_with(own_name) ? text.substr(own_name.size()) : text;
}

/// Whether the loader had no memory, which it says in several ways; one of them it also says of a disk from which
/// nothing may be run.
bool is_want_of_memory(const std::string& words) {
  for (const char* text : {"annot allocate", "ut of memory", "cannot enlarge", "cannot map zero-fill pages"})
    if (words.find(text) != std::string::npos) return true;
  rlimit memory = {RLIM_INFINITY, RLIM_INFINITY}, data = memory;
  getrlimit(RLIMIT_AS, &memory);
  getrlimit(RLIMIT_DATA, &data);
  const bool limited = memory.rlim_cur != RLIM_INFINITY || data.rlim_cur != RLIM_INFINITY;
  return limited && words.find("failed to map segment") != std::string::npos && words.find("ermi") == std::string::npos;
}

/// Returns where the loader's words say something of the file `what`. @throws MachineError
void blame_machine_for(const std::string& what, const std::string& words) {
  if (words.find(std::strerror(EMFILE)) != std::string::npos || words.find(std::strerror(ENFILE)) != std::string::npos)
    throw MachineError(fmt::format("{} cannot be opened: {}. Raise the limit on open files (ulimit -n)", what, words));
  if (!is_want_of_memory(words)) return;
  throw MachineError(fmt::format(
      "{} cannot be opened: {}. This machine has not enough memory for it, or its limits (ulimit -v, ulimit "
      "-d, a container's) leave too little. Raise them, or close other programs",
      what, words));
}

/// A library of LibTorch: the one that is open already, that of our build, or the one the system finds.
void open_part_of_libtorch(const char* name) {
  const FloatingPointGuard guard;
  const auto anywhere = kMode | boost::dll::load_mode::search_system_folders;
  const std::filesystem::path ours = std::filesystem::path(libtorch_folder()) / name;
  boost::dll::fs::error_code none_open;
  boost::dll::shared_library library(boost::dll::fs::path(name), anywhere | kIfThere, none_open);
  try {
    if (none_open) {
      if (std::filesystem::exists(ours)) {
        library.load(ours, kMode);
      } else {
        library.load(boost::dll::fs::path(name), anywhere);
      }
    }
  } catch (const boost::dll::fs::system_error& error) {
    const std::string words = loaders_words(error, ours);
    blame_machine_for("LibTorch " + libtorch_build(), words);
    throw PluginError(
        fmt::format("uses LibTorch {}, which cannot be opened: {}. Put the folder of {} on "
                    "LD_LIBRARY_PATH",
                    libtorch_build(), words, name));
  }
  keep(std::move(library));
}

/// A function of a library of ours that uses LibTorch. @param what  "optimisers"
template <typename Make>
Make* open_ours(const std::filesystem::path& library, const char* symbol, const char* what) {
  open_libtorch();
  const FloatingPointGuard guard;
  try {
    // The symbol is ours, as the file is: both come from one build.
    return &keep(boost::dll::shared_library(library, kMode)).get<Make>(symbol);
  } catch (const boost::dll::fs::system_error& error) {
    const std::string words = loaders_words(error, library);
    blame_machine_for(library.string(), words);
    throw PluginError(
        fmt::format("{}: must be the library of {} of this Potluck, got one that cannot be opened: "
                    "{}. Install Potluck as a whole",
                    library.string(), what, words));
  }
}

}  // namespace

MakeOptimiser* open_optimisers(const std::filesystem::path& library) {
  return open_ours<MakeOptimiser>(library, "potluck_make_optimiser_v1", "optimisers");
}
MakeMinimiser* open_minimiser(const std::filesystem::path& library) {
  return open_ours<MakeMinimiser>(library, "potluck_make_minimiser_v1", "optimisers");
}
OpenFeatureNetwork* open_feature_networks(const std::filesystem::path& library) {
  return open_ours<OpenFeatureNetwork>(library, "potluck_open_feature_network_v1", "feature networks");
}

PluginEntry* open_plugin(const std::filesystem::path& file) {
  const FloatingPointGuard guard;
  try {
    const boost::dll::shared_library& library = keep(boost::dll::shared_library(file, kMode));
    if (!library.has(kEntry)) {
      throw PluginError(fmt::format("exports no {}(). Declare it as potluck/plugin.h does", kEntry));
    }
    return &library.get<PluginEntry>(kEntry);
  } catch (const boost::dll::fs::system_error& error) {
    const std::string words = loaders_words(error, file);
    blame_machine_for(file.string(), words);
    throw LibraryError("cannot be opened: " + words);
  }
}

void open_libtorch() {
  static std::once_flag once;
  std::call_once(once, [] { open_part_of_libtorch(kLibtorch); });
}

void open_libtorch_cuda() {
  open_libtorch();
  static std::once_flag once;
  std::call_once(once, [] { open_part_of_libtorch("libtorch_cuda.so"); });
}

void (*libtorch_function(const std::string& symbol))() {
  boost::dll::fs::error_code none_open;
  const boost::dll::shared_library library(boost::dll::fs::path(kLibtorch),
                                           kMode | kIfThere | boost::dll::load_mode::search_system_folders, none_open);
  return none_open || !library.has(symbol) ? nullptr : &library.get<void()>(symbol);
}

void use_one_libtorch_thread() {
  // at::set_num_threads(int)
  if (const auto function = libtorch_function("_ZN2at15set_num_threadsEi"))
    reinterpret_cast<void (*)(int)>(function)(1);
}

const std::string& libtorch_folder() {
  static const std::string folder = POTLUCK_LIBTORCH_DIR;
  return folder;
}

const std::string& libtorch_build() {
  static const std::string build = POTLUCK_LIBTORCH_BUILD;
  return build;
}

}  // namespace potluck
