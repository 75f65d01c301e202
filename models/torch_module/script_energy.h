// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "potluck/torch_model.hpp"

namespace potluck::models {

/// An energy that a TorchScript module computes: module(x[, noise][, label][, given]) -> [B]. Where `forward` has
/// arguments of the names of all that is bound, they are handed on by name, so that one with defaults may be left out.
///
/// Autograd gives its gradients. LibTorch interprets it as it stands: the executor that optimises a module while it
/// runs would change its bits from one call to the next.
class ScriptEnergy {
 public:
  static constexpr const char* name = "torch_module";
  static constexpr const char* summary =
      "An energy from PyTorch: a TorchScript module (.pt), or a package of AOTInductor (.pt2)";
  static constexpr const char* reference = "PyTorch: torch.jit, torch.export and AOTInductor; docs/from-pytorch.md";
  static constexpr plugin::Input inputs[] = {
      plugin::continuous("x", "the state, of any shape"),
      plugin::continuous("noise", "a number that the energy is conditional on, such as a level of noise")
          .parent()
          .optional(),
      plugin::categorical("label", "a label that it is conditional on").parent().optional(),
      plugin::continuous("given", "numbers of any shape that it is conditional on").parent().optional()};
  static constexpr plugin::Setting settings[] = {
      plugin::file("module", "what potluck.export() or torch.jit.save() wrote: .pt, or .pt2 of AOTInductor"),
      plugin::real(
          "least_energy",
          "a number that no energy is below, where you know one: with it products of the module and integrable "
          "experts are integrable, and ceilings count from it")
          .preset("-inf")
          .unit("temperature")};

  /// Loads the module, or nothing where the file is a package. @throws Failure
  explicit ScriptEnergy(const plugin::Setup& setup);

  plugin::Facts facts() const;
  at::Tensor energy(const std::vector<at::Tensor>& tensors) const;
  std::vector<plugin::TorchParameter> parameters();

  bool is_package() const { return module_ == nullptr; }

 private:
  struct Module;  ///< keeps the headers of TorchScript, which take long to compile, to one file

  void load(const plugin::Setup& setup);
  void take_weights(const plugin::Setup& setup);
  void probe(const plugin::Setup& setup) const;

  std::shared_ptr<Module> module_;
  double least_energy_;
};

/// "critic.pt2", a package by its name.
bool is_package(const std::string& file);

}  // namespace potluck::models
