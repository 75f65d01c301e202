// SPDX-License-Identifier: Apache-2.0
#include "models/torch_module/script_energy.h"

#include <ATen/ops/ones_like.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>

#include "models/torch_module/probe.h"

namespace potluck::models {

using namespace potluck::plugin;

struct ScriptEnergy::Module {
  torch::jit::Module script;
  bool by_name = false;  ///< `forward` has arguments of the names of all inputs but x that are bound
};

namespace {

bool has_argument(const torch::jit::Method& forward, std::string_view name) {
  const std::vector<c10::Argument>& all = forward.function().getSchema().arguments();
  return std::any_of(all.begin(), all.end(), [name](const c10::Argument& one) { return one.name() == name; });
}

}  // namespace

bool is_package(const std::string& file) { return file.size() >= 4 && file.compare(file.size() - 4, 4, ".pt2") == 0; }

ScriptEnergy::ScriptEnergy(const Setup& setup) : least_energy_(setup.real("least_energy")) {
  if (models::is_package(setup.file("module"))) return;
  load(setup);
  take_weights(setup);
  probe(setup);
}

void ScriptEnergy::load(const Setup& setup) {
  try {
    module_ = std::make_shared<Module>(Module{torch::jit::load(setup.file("module"), torch_device(setup))});
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    throw setup.setting_error("module",
                              "must be a TorchScript module, as potluck.export() and torch.jit.save() write it, got a "
                              "file that LibTorch does not take for one ('" +
                                  first_line(error.what_without_backtrace()) +
                                  "'). A state_dict is no module: export the module that has it");
  }
  if (!module_->script.find_method("forward"))
    throw setup.setting_error("module", "must be a module with a forward(), got one without");
  module_->by_name = std::all_of(std::begin(inputs) + 1, std::end(inputs), [&](const Input& input) {
    return !setup.has_input(input.declared.name) ||
           has_argument(module_->script.get_method("forward"), input.declared.name);
  });
  module_->script.eval();
  module_->script.to(torch_device(setup), setup.float64() ? at::kDouble : at::kFloat);
  for (const auto& parameter : module_->script.parameters()) parameter.requires_grad_(false);
}

/// Where a weights file is named, its arrays take the places of all parameters and buffers.
void ScriptEnergy::take_weights(const Setup& setup) {
  if (!setup.has_weights()) return;
  const at::NoGradGuard plain;
  for (const TorchParameter& parameter : parameters()) {
    const Weight weight = setup.weight(parameter.name);
    const std::vector<int64_t> shape(weight.shape().begin(), weight.shape().end());
    if (at::IntArrayRef(shape) != parameter.tensor.sizes())
      throw setup.weight_error(weight, "must have the shape of the module's " + text_of(parameter.tensor.sizes()) +
                                           ", got " + text_of(shape));
    std::vector<double> numbers = weight.numbers();
    parameter.tensor.copy_(tensor_view(numbers.data(), shape, at::kCPU));
  }
}

void ScriptEnergy::probe(const Setup& setup) const {
  const at::AutoGradMode recorded(true);
  const auto call = [&](const std::vector<at::Tensor>& tensors) {
    try {
      return energy(tensors);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception& error) {
      const auto* own = dynamic_cast<const c10::Error*>(&error);
      throw setup.setting_error("module", "must take " + text_of(tensors) + ", got '" +
                                              first_line(own ? own->what_without_backtrace() : error.what()) + "'");
    }
  };
  probe_energies(setup, 3, call);
  std::vector<at::Tensor> tensors = probing_rows(setup, 3);
  tensors[0].requires_grad_();
  const at::Tensor found = call(tensors);
  const char* advice = ". Leave out torch.no_grad(), detach() and integer arithmetic on the way from x to the energy";
  if (!found.requires_grad())
    throw setup.setting_error("module", std::string("must have a gradient in x, got an energy that autograd does not "
                                                    "trace to x") +
                                            advice);
  if (!torch::autograd::grad({found}, {tensors[0]}, {at::ones_like(found)}, std::nullopt, false, true)[0].defined())
    throw setup.setting_error("module", std::string("must have a gradient in x, got an energy that does not depend on "
                                                    "x") +
                                            advice);
}

Facts ScriptEnergy::facts() const {
  Facts facts;
  facts.least_energy = least_energy_;
  return facts;
}

at::Tensor ScriptEnergy::energy(const std::vector<at::Tensor>& tensors) const {
  const torch::jit::GraphOptimizerEnabledGuard as_it_stands(false);
  std::vector<c10::IValue> arguments = {tensors[0]};
  std::unordered_map<std::string, c10::IValue> named;
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (!tensors[i].defined()) continue;
    if (module_->by_name)
      named.emplace(inputs[i].declared.name, tensors[i]);
    else
      arguments.emplace_back(tensors[i]);
  }
  const c10::IValue found = module_->script.get_method("forward")(std::move(arguments), named);
  if (!found.isTensor()) throw Failure(POTLUCK_BAD_SHAPE, "the module must return one tensor, got " + found.tagKind());
  return found.toTensor();
}

std::vector<TorchParameter> ScriptEnergy::parameters() {
  std::vector<TorchParameter> all;
  if (is_package()) return all;
  for (const auto& parameter : module_->script.named_parameters())
    all.push_back({parameter.name, parameter.value, parameter.value.is_floating_point()});
  for (const auto& buffer : module_->script.named_buffers())
    if (buffer.value.is_floating_point()) all.push_back({buffer.name, buffer.value, false});
  return all;
}

}  // namespace potluck::models
