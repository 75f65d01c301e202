// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

constexpr const char* kDataset = "/usr/share/datasets/fashion-mnist";

/// Prints a line a finding, and remembers whether all are well.
class Findings {
 public:
  void ok(const std::string& what, const std::string& text) { fmt::print("  OK  {:<14} {}\n", what, text); }
  void bad(const std::string& what, const std::string& text, const std::string& cure) {
    fmt::print("  --  {:<14} {}. {}\n", what, text, cure);
    ++bad_;
  }
  void close() const {
    if (bad_ == 0)
      fmt::print("Everything is in place.\n");
    else
      fmt::print("{} line{} above say{} what to do.\n", bad_, bad_ == 1 ? "" : "s", bad_ == 1 ? "s" : "");
  }

 private:
  int bad_ = 0;
};

void look_at_libtorch(Findings& findings, const engine::Host& host) {
  if (filesystem::exists(filesystem::path(host.libtorch_folder) / "libtorch_cpu.so"))
    findings.ok("LibTorch", fmt::format("{} in {}", host.libtorch, host.libtorch_folder));
  else
    findings.bad("LibTorch", fmt::format("{} was in {} and is gone", host.libtorch, host.libtorch_folder),
                 "Plugins that use LibTorch cannot be opened; run `make setup` again");
}

void look_at_cuda(Findings& findings, const engine::Host& host) {
  const std::vector<std::string>& devices = host.cuda_devices;
  if (!host.cuda)
    findings.ok("CUDA", "this build has no CUDA backend; runs take place on the CPU");
  else if (devices.empty())
    findings.ok("CUDA", "this machine has no CUDA device; runs take place on the CPU");
  for (size_t device = 0; device < devices.size(); ++device)
    findings.ok("CUDA", fmt::format("cuda:{} is {}", device, devices[device]));
}

void look_at_plugins(Findings& findings, engine::Plugins& plugins) {
  const std::vector<engine::Plugin> found = plugins.list();
  size_t usable = 0;
  for (const engine::Plugin& plugin : found) {
    if (plugin.usable)
      ++usable;
    else
      findings.bad("plugin", plugin.file + " is refused", plugin.reason);
  }
  for (const engine::SearchPath& place : standing_search_paths()) {
    const bool there = filesystem::exists(place.path);
    const auto here = [&](const engine::Plugin& plugin) { return plugin.found_by == place.name; };
    const auto count = std::count_if(found.begin(), found.end(), here);
    const std::string text = fmt::format("{}: {}", place.path, there ? fmt::format("{} found", count) : "not there");
    if (!there && place.name == "POTLUCK_PLUGIN_PATH")
      findings.bad(place.name, text, "Make the folder, or take it out of the variable");
    else
      findings.ok(place.name, text);
  }
  if (usable == 0)
    findings.bad("plugins", "none can be used", "Build Potluck's own, or name one with --plugin");
  else
    findings.ok("plugins", fmt::format("{} usable", usable));
}

void look_at_folder(Findings& findings, const std::string& what, const filesystem::path& folder,
                    const std::string& cure) {
  // What is not there yet can be made where its nearest ancestor may be written.
  filesystem::path nearest = folder;
  while (!nearest.empty() && !filesystem::exists(nearest) && nearest != nearest.parent_path())
    nearest = nearest.parent_path();
  if (!nearest.empty() && access(nearest.c_str(), W_OK) == 0)
    findings.ok(what, folder.string());
  else
    findings.bad(what, fmt::format("{} cannot be written", folder.empty() ? "no home folder, so it" : folder.string()),
                 cure);
}

}  // namespace

int doctor_command(const Words& words) {
  CommandLine line(
      "doctor", {},
      "Reports, line by line, whether this machine has what Potluck needs, and what to do where it does not.");
  if (!line.parse(words)) return kDone;
  Findings findings;
  const engine::Host host = engine::host();
  findings.ok("Potluck", engine::version());
  findings.ok("compiler", __VERSION__);
  findings.ok("processor", fmt::format("{}, {} kernels", host.instructions, host.kernels));
  look_at_libtorch(findings, host);
  look_at_cuda(findings, host);
  engine::Plugins plugins(plugin_options(line));
  look_at_plugins(findings, plugins);
  look_at_folder(findings, "verdict cache", verdict_folder(), "Set XDG_CACHE_HOME to a folder that can be written");
  look_at_folder(findings, "working folder", filesystem::current_path(), "Give `potluck sample` an --output elsewhere");
  if (filesystem::exists(kDataset))
    findings.ok("Fashion-MNIST", kDataset);
  else
    findings.bad("Fashion-MNIST", fmt::format("{} is not there", kDataset),
                 "The wardrobe example needs it: apt-get install dataset-fashion-mnist");
  findings.close();
  return kDone;
}

}  // namespace potluck
