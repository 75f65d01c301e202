// SPDX-License-Identifier: Apache-2.0
#include "models/torch_module/energy_package.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <thread>
#include <unordered_map>

#include "models/torch_module/probe.h"

namespace potluck::models {

using namespace potluck::plugin;

struct EnergyPackage::Loader {
  Loader(const std::string& file, size_t runners, int32_t device)
      : package(file, "model", /*run_single_threaded=*/false, runners, static_cast<c10::DeviceIndex>(device)) {}
  torch::inductor::AOTIModelPackageLoader package;
};

namespace {

/// Calls that may be under way at once.
size_t runners() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 64); }

/// Compiled code asks the loader for libtorch.so, an empty library beside those that this plugin is linked with: one
/// that is open already is found by its name.
void open_libtorch() {
  Dl_info found;
  if (dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &found) == 0) return;
  const std::string file = found.dli_fname;
  dlopen((file.substr(0, file.rfind('/') + 1) + "libtorch.so").c_str(), RTLD_LAZY | RTLD_LOCAL);
}

std::string listed_inputs(const Setup& setup) {
  std::string names;
  for (const char* input : {"x", "noise", "label", "given"}) {
    if (!setup.has_input(input)) continue;
    if (!names.empty()) names += ',';
    names += input;
  }
  return names;
}

}  // namespace

EnergyPackage::~EnergyPackage() = default;

EnergyPackage::EnergyPackage(const Setup& setup) {
  if (setup.has_weights())
    throw setup.setting_error("module",
                              "must be a TorchScript module (.pt) to take weights, got a package: its weights "
                              "are compiled in");
  open_libtorch();
  try {
    loader_ = std::make_unique<Loader>(setup.file("module"), runners(), setup.on_cuda() ? setup.device_index() : -1);
  } catch (const std::exception& error) {
    const auto* own = dynamic_cast<const c10::Error*>(&error);
    throw setup.setting_error("module",
                              "must be a package of AOTInductor, as potluck.export() writes it, got one that "
                              "LibTorch does not load ('" +
                                  first_line(own ? own->what_without_backtrace() : error.what()) + "')");
  }
  read_metadata(setup);
  probe(setup);
}

void EnergyPackage::read_metadata(const Setup& setup) {
  const std::unordered_map<std::string, std::string> metadata = loader_->package.get_metadata();
  const auto value = [&](const std::string& key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  const auto demand = [&](const std::string& key, const std::string& wanted, const std::string& advice) {
    if (value(key) != wanted)
      throw setup.setting_error("module", "must be a package for " + wanted + ", got one for " +
                                              (value(key).empty() ? "something unknown" : value(key)) + advice);
  };
  const std::string batch = value("potluck_batch");
  const auto [end, wrong] = std::from_chars(batch.data(), batch.data() + batch.size(), batch_);
  if (wrong != std::errc() || end != batch.data() + batch.size() || batch_ < 1)
    throw setup.setting_error("module",
                              "must be a package that potluck.export() wrote, got one that does not say its "
                              "batch: it has no gradients that could be used");
  demand("potluck_inputs", listed_inputs(setup), ". Bind the inputs that it was exported with");
  demand("potluck_type", setup.float64() ? "float64" : "float32",
         setup.float64() ? ". Set sample.precision: float32, or export a module in double()"
                         : ". Set sample.precision: float64, or export a module in float()");
  demand("potluck_device", setup.on_cuda() ? "cuda" : "cpu", ". Use --device, or export the module on that device");
}

void EnergyPackage::probe(const Setup& setup) const {
  const std::vector<at::Tensor> inputs = probing_rows(setup, batch_);
  std::vector<at::Tensor> found;
  try {
    found = run(inputs, nullptr);
  } catch (const std::exception& error) {
    const auto* own = dynamic_cast<const c10::Error*>(&error);
    throw setup.setting_error("module", "must take " + text_of(inputs) + ", got '" +
                                            first_line(own ? own->what_without_backtrace() : error.what()) + "'");
  }
  size_t next = 1;
  for (const at::Tensor& input : inputs) {
    if (!input.defined() || !input.is_floating_point()) continue;
    if (next >= found.size() || found[next].sizes() != input.sizes())
      throw setup.setting_error(
          "module", "must return the energy and a gradient for each continuous input, got " +
                        (next < found.size() ? text_of(found[next].sizes()) + " in place of " + text_of(input.sizes())
                                             : std::to_string(found.size()) + " tensors"));
    ++next;
  }
  probe_energies(setup, batch_, [this](const std::vector<at::Tensor>& rows) { return run(rows, nullptr).at(0); });
}

std::vector<at::Tensor> EnergyPackage::run(const std::vector<at::Tensor>& inputs, void* stream) const {
  std::vector<at::Tensor> arguments;
  for (const at::Tensor& input : inputs)
    if (input.defined()) arguments.push_back(input);
  return loader_->package.run(arguments, stream);
}

}  // namespace potluck::models
